import ConformanceAgents
import OpenStarryAgent

// An agent of the conformance suite as a program: conformance-agent BEHAVIOUR
switch CommandLine.arguments.last {
case "fails": Fails.main()
case "passesRefusalsOn": PassesRefusalsOn.main()
case "keepsState": KeepsState.main()
case "setsTimers": SetsTimers.main()
case "diesHandling": DiesHandling.main()
case "spins": Spins.main()
case "diesReporting": DiesReporting.main()
default: Works.main()
}
