import Guardian
import Model

/// Keeps, outside this process, what makes each output safe should this process die; hardware layers tell it.
public protocol OutputGuard: AnyObject {
  /// What is to be done with an output from now on; replaces what was said before.
  /// - Parameters:
  ///   - identity: which hardware it is and how it is set up. The next daemon takes an output over only if it finds the
  ///     same.
  ///   - steps: as its `on_exit` asks; for `hold`, what makes it safe at last.
  ///   - lapse: what makes it safe when its lease runs out while this process does not answer, such that it can go on
  ///     afterwards; nil where `steps` do, which is everywhere but with `on_exit: input`.
  ///   - descriptors: what the steps are done with, at most four. They stay the caller's: copies are kept, so that a
  ///     GPIO line stays requested until `withdraw`.
  func protect(
    _ device: DeviceID, identity: String, steps: [GuardianStep], lapse: [GuardianStep]?, descriptors: [Int32])

  /// The output has gone: its descriptors are to be let go of.
  func withdraw(_ device: DeviceID)

  /// Takes an output over that a daemon which has died left behind. Call it before the hardware is opened anew: what is
  /// not taken over is safe and let go of when this returns.
  /// - Returns: the first descriptor, which is the caller's to close; nil when there is none, or none of this identity.
  func claim(_ device: DeviceID, identity: String) -> Int32?
}

/// Keeps, outside this process, who holds which actuator; the gate tells it. Called often: costs nothing to speak of.
public protocol HoldKeeper: AnyObject {
  /// Where an actuator's hold is kept; nil when it is not.
  func slot(of device: DeviceID) -> Int?

  /// Somebody holds an actuator, or holds it differently.
  /// - Parameter since: since when it is away from its safe state.
  func hold(_ slot: Int, level: Double, lease: Lease, since: Instant)

  /// Called with each lease that was ended outside this process, since this process had not; the gate sets it.
  var onOverruled: (OverruledOutput) -> Void { get set }

  /// Nobody holds it any more. Said before the hardware is told.
  func release(_ slot: Int)

  /// How the daemon before left an actuator that it held and that nobody has touched since; nil for any other. Asked
  /// once the actuator is open.
  func inheritance(of device: DeviceID) -> OutputHold?
}

extension Hardware {
  /// A holder that was taken over from the daemon before may have a name that was cut to so many bytes.
  public static let longestHolder = OutputHold.longestHolder
}

extension GuardianRecord.Policy {
  /// What a guardian does with an output of a daemon that has died.
  public init(_ onExit: ActuatorSettings.OnExit) {
    switch onExit {
    case .safe, .keepDriving: self = .safe
    case .hold: self = .hold
    case .input: self = .input
    }
  }
}
