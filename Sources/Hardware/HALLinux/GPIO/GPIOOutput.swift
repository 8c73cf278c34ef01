import Guardian
import HAL
import Model

/// A GPIO line used as an output.
///
/// The line is requested in its safe state, also when its chip comes back; the gate then restores the level of a lease.
/// A line that the previous daemon had requested is taken over without releasing it.
final class GPIOOutput: OutputDriver {
  private let holder: LineHolder<DrivenLine>
  private var onPresence: (OutputPresence) -> Void = { _ in }

  let isAnalogue = false

  /// - Parameters:
  ///   - onExit: determines the guardian's steps.
  ///   - safe: whether the line is active in its safe state.
  ///   - guardian: nil without a guardian.
  init(
    _ device: DeviceID, _ options: LineOptions, onExit: ActuatorSettings.OnExit, safe: Bool,
    guardian: (any OutputGuardian)?, at place: LinePlace
  ) throws(HALError) {
    let holder = try LineHolder<DrivenLine>(device, options, at: place) { options, consumer throws(LineFailure) in
      if let left = guardian?.claim(device, identity: options.identity),
        let line = DrivenLine(adopting: left, options, in: place.folder)
      {
        return line
      }
      return try DrivenLine(options, in: place.folder, consumer: consumer)
    }
    self.holder = holder
    let step: GuardianStep.Action = onExit == .input ? .configure(flags: options.inputFlags) : .drive(active: safe)
    let protect = { [unowned holder] in
      guard let line = holder.request else { return }
      guardian?.protect(
        device, identity: options.identity, steps: [GuardianStep(0, step)],
        lapse: onExit == .input ? [GuardianStep(0, .drive(active: safe))] : nil, descriptors: [line.descriptor])
    }
    protect()
    holder.onBack = { [weak self] in
      protect()
      self?.onPresence(.back)
    }
    holder.onGone = { [weak self] in
      guardian?.withdraw(device)
      self?.onPresence(.gone(self?.holder.absence ?? ""))
    }
  }

  func watch(_ onPresence: @escaping (OutputPresence) -> Void) {
    self.onPresence = onPresence
    if let absence = holder.absence { onPresence(.gone(absence)) }
  }

  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    guard let request = holder.request else { return done(.failure(absent)) }
    do throws(HALError.Fault) {
      try request.set(level >= 0.5)
      done(.success(()))
    } catch {
      // Answer before reporting that the chip has gone: then the lease is kept until the chip is back.
      done(.failure(error))
      holder.note(error)
    }
  }

  private var absent: HALError.Fault { .absent(holder.absence ?? "its chip has gone") }

  func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    guard let request = holder.request else { return done(.failure(absent)) }
    do throws(HALError.Fault) {
      try request.turnIntoInput()
      done(.success(()))
    } catch {
      // Answer before reporting that the chip has gone: then the lease is kept until the chip is back.
      done(.failure(error))
      holder.note(error)
    }
  }

  /// The line is driven until the process ends; `DrivenLine` says what the kernel does afterwards.
  func release(_ mode: ActuatorSettings.OnExit) {}

  /// Releases the line.
  func close() { holder.close() }
}
