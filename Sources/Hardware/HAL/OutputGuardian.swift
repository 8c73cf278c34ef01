import Guardian
import Model

/// Stores, outside this process, the steps that make each output safe if this process dies. Hardware layers call it.
package protocol OutputGuardian: AnyObject {
  /// Registers the steps for an output; replaces its earlier ones.
  /// - Parameters:
  ///   - identity: the hardware and its configuration. The next daemon takes an output over only if its own is equal.
  ///   - steps: what to do when this process dies, according to `on_exit`; for `hold`, what makes the output safe when
  ///     the lease ends.
  ///   - lapse: what makes it safe when its lease ends while this process hangs. This process must be able to drive the
  ///     output afterwards. nil uses `steps`, which is right except for `on_exit: input`.
  ///   - descriptors: at most four, which the steps refer to by index. The caller keeps ownership; duplicates are kept
  ///     until `withdraw`, so that a GPIO line stays requested.
  func protect(
    _ device: DeviceID, identity: String, steps: [GuardianStep], lapse: [GuardianStep]?, descriptors: [Int32])

  /// Forgets an output that has gone, and closes the duplicates of its descriptors.
  func withdraw(_ device: DeviceID)

  /// Takes over an output that a dead daemon left behind. Call it before opening the hardware: when it returns, an
  /// output that is not taken over is safe and released.
  /// - Returns: the output's first descriptor, owned by the caller; nil when no output of that identity was left.
  func claim(_ device: DeviceID, identity: String) -> Int32?
}

/// Stores, outside this process, the lease of each actuator. The gate calls it on every renewal, so it must be cheap.
package protocol LeaseStore: AnyObject {
  /// The actuator's slot; nil when its leases are not stored.
  func slot(of device: DeviceID) -> Int?

  /// Stores a new or changed lease.
  /// - Parameters:
  ///   - level: 0 to 1.
  ///   - since: when the actuator left its safe state.
  func hold(_ slot: Int, level: Double, lease: Lease, since: Instant)

  /// Called for each overdue lease that was ended from outside because this process hung; the gate sets it.
  var onOverruled: (OverruledOutput) -> Void { get set }

  /// Erases a lease. Called before the hardware is driven.
  func release(_ slot: Int)

  /// The lease that the previous daemon left on an actuator, if nothing has touched the output since; nil otherwise.
  /// Call it once the actuator is open.
  func inheritance(of device: DeviceID) -> OutputHold?
}

extension Hardware {
  /// The longest name, in UTF-8 bytes, of a holder taken over from the previous daemon; longer ones were truncated.
  package static let longestHolder = OutputHold.longestHolder
}

extension GuardianRecord.Policy {
  /// The guardian's policy for an output of a dead daemon. `keep-driving` is as `safe`: the guardian always keeps
  /// lines.
  package init(_ onExit: ActuatorSettings.OnExit) {
    switch onExit {
    case .safe, .keepDriving: self = .safe
    case .hold: self = .hold
    case .input: self = .input
    }
  }
}
