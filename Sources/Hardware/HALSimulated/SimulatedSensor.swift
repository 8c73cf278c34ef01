import HAL
import Model

/// A sensor whose readings come from its model, a pinned value or a fault.
final class SimulatedSensor: SensorDriver, Injectable {
  let unit: String
  private let device: DeviceID
  private let model: any SensorModel
  private let clock: any Timekeeper
  private var plan: FaultPlan?
  private var pinned: Double?
  private var stuckAt = 0.0

  init(_ device: Device, _ world: World) throws(HALError) {
    self.device = device.id
    clock = world.clock
    (model, unit) = try ModelDeclaration.read(device.id, device.options["model"], world)
  }

  func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void) {
    guard let plan, self.plan?.strikes(at: clock.now) ?? false else { return done(.success(Measurement(current))) }
    if let fault = plan.fault {
      guard plan.kind == .timeout else { return done(.failure(fault)) }
      clock.schedule(after: plan.delay) { done(.failure(fault)) }
    } else if plan.kind == .stuck {
      done(.success(Measurement(stuckAt)))
    } else {
      clock.schedule(after: plan.delay) { done(.success(Measurement(self.current))) }
    }
  }

  private var current: Double { pinned ?? model.value(at: clock.now) }

  func take(_ plan: FaultPlan?) {
    if plan?.kind == .stuck { stuckAt = current }
    self.plan = plan
  }

  func take(_ change: Fields) throws(HALError) -> Bool {
    guard let value = change["value"] else { return false }
    if value == .null {
      pinned = nil
    } else {
      guard let number = value.double else { throw .invalid(device, "value must be a number, or null for its model") }
      pinned = number
    }
    return true
  }
}
