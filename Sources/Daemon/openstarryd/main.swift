import Daemon
import ExampleAgents

// The daemon as shipped, with the examples' agents linked in. For firmware of your own, copy this file and link your
// agents.
OpenStarry.run(agents: ExampleAgents.all)
