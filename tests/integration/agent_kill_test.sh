# The short form of the long loop in tests/reliability: the agent is killed at random moments, and
# the same command brings the run to its end as documented.
. "$(dirname "$0")/lib.sh"
needs python3
python3 "$TOEHOLD_SOURCE/tests/reliability/kill_agent.py" --agent "$TOEHOLD_AGENT" --times 15
