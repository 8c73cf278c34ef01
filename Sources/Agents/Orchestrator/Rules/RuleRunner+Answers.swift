import Agent
import HAL
import Model
import Rules

/// The answers to what conditions ask.
extension RuleRunner {
  package func sensor(_ id: String) throws(NoAnswer) -> Value {
    // Measure a sensor from now on whose name is computed.
    measure(DeviceID(id))
    do throws(HALError) {
      return .double(try hardware.newestGood(DeviceID(id)).value)
    } catch { throw Self.noAnswer(error) }
  }

  package func input(_ id: String) throws(NoAnswer) -> Bool {
    do throws(HALError) {
      return try hardware.newestGood(DeviceID(id)).value != 0
    } catch { throw Self.noAnswer(error) }
  }

  private static func noAnswer(_ error: HALError) -> NoAnswer {
    if case .unavailable(_, let why) = error { NoAnswer(why) } else { NoAnswer(error.description) }
  }

  package func reading(_ id: String) throws(NoAnswer) -> SensorAnswer {
    measure(DeviceID(id))
    guard let state = hardware.readingState(DeviceID(id)) else { throw NoAnswer("there is no such sensor or input") }
    let since = state.good.map { Instant(nanoseconds: $0.time) } ?? start
    return SensorAnswer(
      value: state.good?.value, previous: state.previous, unit: state.unit, age: clock.now - since,
      quality: state.quality?.rawValue ?? "missing", isGood: isGood(state))
  }

  /// Whether a reading is good; nil for a sensor that was never measured, for as long as it may be silent.
  private func isGood(_ state: Hardware.ReadingState) -> Bool? {
    if state.isGood || state.quality != nil { return state.isGood }
    guard let limit = state.staleAfter, clock.now - start <= limit else { return false }
    return nil
  }

  package func output(_ id: String) throws(NoAnswer) -> OutputAnswer {
    guard let output = hardware.output(DeviceID(id)) else { throw NoAnswer("there is no such actuator") }
    guard let level = output.level else { throw NoAnswer(output.fault ?? "its level is not confirmed yet") }
    return OutputAnswer(
      state: level, holder: output.holder, since: output.changed.map(wallTime), lastOn: output.wentOn.map(wallTime),
      onTime: output.onTime, fault: output.fault)
  }

  private func wallTime(_ instant: Instant) -> UInt64 {
    clock.wallMilliseconds &- UInt64(clamping: (clock.now - instant).nanoseconds / 1_000_000)
  }

  package func state(_ agent: String) throws(NoAnswer) -> Value {
    do throws(AgentControlError) {
      return try agents.lastReport(AgentID(agent))
    } catch {
      throw NoAnswer(error.description)
    }
  }

  package func agent(_ id: String) throws(NoAnswer) -> AgentAnswer {
    do throws(AgentControlError) {
      let status = try agents.agentStatus(AgentID(id))
      return AgentAnswer(
        state: status.state.rawValue, isEnabled: status.isEnabled, activations: status.activations,
        failures: status.failures)
    } catch {
      throw NoAnswer(error.description)
    }
  }

  package var place: Board.Place? { hardware.board.place }

  package var isStopped: Bool { hardware.emergencyStop != nil }

  package func absence(of agent: AgentID) -> String? { agents.absence(of: agent) }

  package func isSafe(_ command: ActuatorCommand, for device: DeviceID) -> Bool {
    hardware.isSafe(command, for: device)
  }

  package func utcOffset(at seconds: Int64) -> Int { offset(seconds) }

  package var clockIsTrusted: Bool { boardClock.isTrusted }

  package func longestSilence(of devices: [DeviceID]) -> Duration {
    devices.compactMap { hardware.readingState($0)?.staleAfter }.max() ?? .zero
  }
}
