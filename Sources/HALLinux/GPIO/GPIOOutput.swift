import HAL
import Model

/// A driven line of a GPIO chip.
///
/// It is requested in its safe state, and again so when its chip comes back: whoever held it away from there sets it
/// anew.
final class GPIOOutput: OutputDriver {
  private let holder: LineHolder

  let isAnalogue = false

  init(_ device: DeviceID, _ options: LineOptions, at place: LineHolder.Place) throws(HALError) {
    holder = try LineHolder(device, options, at: place)
  }

  /// Why the line is not there; nil while it is.
  var absence: String? { holder.absence }

  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    guard let request = holder.request else { return done(.failure(.gone)) }
    do throws(HALError.Fault) {
      try request.set(level >= 0.5)
      done(.success(()))
    } catch {
      holder.note(error)
      done(.failure(error))
    }
  }

  /// `input` reconfigures the line; `hold` and `safe` keep it driven as long as the process lives. What the kernel
  /// does with it afterwards is said at `LineRequest`.
  func release(_ mode: ActuatorSettings.OnExit) {
    guard mode == .input, let request = holder.request else { return }
    do throws(HALError.Fault) {
      try request.turnIntoInput()
    } catch {
      holder.note(error)
    }
  }

  /// Releases the line.
  func close() { holder.close() }
}
