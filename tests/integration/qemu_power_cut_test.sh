# The short form of the long loop in tests/reliability: the power of a virtual machine is cut in the
# middle of a run.
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"
make_base
python3 "$TOEHOLD_SOURCE/tests/reliability/power_cut.py" --agent "$TOEHOLD_STATIC_AGENT" \
  --disk "$(base_disk)" --times "${CUTS:-1}"
