import Daemon
import OpenStarryAgent

// A daemon with agents that take it down, to test crash record, strikes and safe mode.
OpenStarry.run(agents: [AgentType("hostile", Hostile.self), AgentType("stillborn", Stillborn.self)])
