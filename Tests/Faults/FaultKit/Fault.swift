import Model

/// One fault of a run.
package struct Fault: Hashable, Sendable, CustomStringConvertible {
  /// The kinds of fault.
  package enum Kind: String, CaseIterable, Sendable {
    case agentFails, agentCrashes, agentHangs, agentLeaks, agentStorms, agentSlow, agentDoesNotStart, agentKilled
    case agentCrashesAgain
    case sensorNack, sensorStuck, sensorTimeout, sensorUnplugged
    case outputNack, outputStuck, outputSlow, outputTimeout, inputUnplugged, cameraLost
    case outputUnplugged, outputBrownout, outputDriven
    case diskSlow, diskFull, fsyncError, writeError
    case clockForward, clockBack, clockStepped, suspended
    case daemonKilled, daemonKilledAgain, daemonHangs, daemonStalls, guardianKilled, powerCut, restart
    case startKilled, startHangs, startFull, memoryFull
  }

  package var kind: Kind
  /// The time since the beginning of the run.
  package var at: Duration
  /// The duration of the fault; its meaning depends on the kind.
  package var length: Duration
  /// Selects an agent or device among those that the kind can affect.
  package var target: Int

  package var description: String { "\(at.text) \(kind.rawValue) #\(target) for \(length.text)" }
}

/// The faults and the length of a run, derived from its seed.
package struct Plan: Sendable {
  package var seed: UInt64
  package var faults: [Fault]
  /// The length of the run, in simulated time.
  package var length = Plan.defaultLength
  package static let defaultLength = Duration.seconds(60)

  /// Draws one to seven faults, some of them at the same time.
  package init(seed: UInt64) {
    self.seed = seed
    var chance = Chance(seed, "plan")
    faults = []
    var at = Duration.zero
    for number in 0..<chance.within(1...7) {
      if number == 0 || chance.happens(60) { at = chance.milliseconds(500...52_000) }
      // At the same time as the previous fault, or slightly later, so that both overlap.
      if chance.happens(30) { at += chance.milliseconds(0...40) }
      faults.append(
        Fault(
          kind: chance.one(of: Fault.Kind.allCases), at: at, length: chance.milliseconds(50...12_000),
          target: chance.within(0...63)))
    }
    faults.sort { $0.at < $1.at }
  }
}
