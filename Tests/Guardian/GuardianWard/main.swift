import GuardianTestKit

// The process that the guardian's tests kill.
Ward.run(Array(CommandLine.arguments.dropFirst()))
