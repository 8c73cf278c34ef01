import Daemon
import ExampleAgents

// The daemon as it ships: the management zone with the examples' agents linked in. A firmware build of your own is
// these three lines with your agents.
OpenStarry.run(agents: ExampleAgents.all)
