import Guardian
import HAL
import Model

/// A driven line of a GPIO chip.
///
/// It is requested in its safe state, and again so when its chip comes back: whoever held it away from there sets it
/// anew. A line that the daemon before had requested is taken over without letting go of it.
final class GPIOOutput: OutputDriver {
  private let holder: LineHolder<DrivenLine>
  private var onPresence: (OutputPresence) -> Void = { _ in }

  let isAnalogue = false

  /// - Parameters:
  ///   - onExit: what the guardian does with it.
  ///   - safe: the level it is safe at.
  ///   - guardian: nil where there is none.
  init(
    _ device: DeviceID, _ options: LineOptions, onExit: ActuatorSettings.OnExit, safe: Bool,
    guardian: (any OutputGuard)?, at place: LinePlace
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
      // First the answer: what has gone is told after it, and keeps its lease until it is back.
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
      // First the answer: what has gone is told after it, and keeps its lease until it is back.
      done(.failure(error))
      holder.note(error)
    }
  }

  /// The line is driven as long as the process lives. What the kernel does with it afterwards is said at `DrivenLine`.
  func release(_ mode: ActuatorSettings.OnExit) {}

  /// Releases the line.
  func close() { holder.close() }
}
