import GuardianTestKit

// The process that the tests of the guardian kill.
Ward.run(Array(CommandLine.arguments.dropFirst()))
