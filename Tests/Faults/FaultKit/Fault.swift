import Model

/// One thing that goes wrong in a run.
public struct Fault: Hashable, Sendable, CustomStringConvertible {
  /// What can go wrong.
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
  /// From the beginning of the run.
  public var at: Duration
  /// How long; what it means depends on the kind.
  public var length: Duration
  /// Which agent or device, among those it may strike.
  public var target: Int

  public var description: String { "\(at.text) \(kind.rawValue) #\(target) for \(length.text)" }
}

/// What goes wrong in the run of a seed.
public struct Plan: Sendable {
  public var seed: UInt64
  public var faults: [Fault]
  /// How long the run is.
  public var length = Plan.usualLength
  public static let usualLength = Duration.seconds(60)

  /// What the seed says: one to seven faults, some of them at the same moment.
  public init(seed: UInt64) {
    self.seed = seed
    var chance = Chance(seed, "plan")
    faults = []
    var at = Duration.zero
    for number in 0..<chance.within(1...7) {
      if number == 0 || chance.happens(60) { at = chance.milliseconds(500...52_000) }
      // At the same moment, or so near that both are under way.
      if chance.happens(30) { at += chance.milliseconds(0...40) }
      faults.append(
        Fault(
          kind: chance.one(of: Fault.Kind.allCases), at: at, length: chance.milliseconds(50...12_000),
          target: chance.within(0...63)))
    }
    faults.sort { $0.at < $1.at }
  }
}
