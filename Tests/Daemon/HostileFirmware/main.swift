import Daemon
import OpenStarryAgent

// A daemon with agents in it that take it down: what the crash record, strikes and safe mode are tested with.
OpenStarry.run(agents: [AgentType("hostile", Hostile.self), AgentType("stillborn", Stillborn.self)])
