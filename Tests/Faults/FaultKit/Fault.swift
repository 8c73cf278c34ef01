import Model

/// One fault of a run.
public struct Fault: Hashable, Sendable, CustomStringConvertible {
  /// The kinds of fault.
  public enum Kind: String, CaseIterable, Sendable {
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

  public var kind: Kind
  /// The time since the beginning of the run.
  public var at: Duration
  /// The duration of the fault; its meaning depends on the kind.
  public var length: Duration
  /// Selects an agent or device among those that the kind can affect.
  public var target: Int

  public var description: String { "\(at.text) \(kind.rawValue) #\(target) for \(length.text)" }
}

/// The faults and the length of a run, derived from its seed.
public struct Plan: Sendable {
  public var seed: UInt64
  public var faults: [Fault]
  /// The length of the run, in simulated time.
  public var length = Plan.defaultLength
  public static let defaultLength = Duration.seconds(60)

  /// Draws one to seven faults, some of them at the same time.
  public init(seed: UInt64) {
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
