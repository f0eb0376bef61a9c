# The static agent runs in any root file system: an empty one, one with busybox alone, one whose
# configuration names modules of another C library; it finds the certificates of each distribution.
. "$(dirname "$0")/static_agents.sh"
agent=$TOEHOLD_SOURCE/build/static/toehold-agent
[ -x "$agent" ] || skip "no static agent here: packaging/static-agent.sh builds it"
busybox=$(command -v busybox || true)
check_agent "$(uname -m)"
