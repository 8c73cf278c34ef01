import Agent
import HAL
import Linux
import Model

// What the agent asks models, and what it tells them about its surroundings.
extension ManagedAgent {
  var isPaused: Bool { shared.isPaused }

  /// A model has answered what the agent asked without waiting.
  func answered(_ answer: Questions.Answer) {
    // What it asked before the stop must not move anything after it.
    let result =
      shared.hardware.stops == answer.stops
      ? answer.result : .failure(AgentError(.unavailable, "it was asked before the emergency stop"))
    // Nobody would get it.
    if (try? checkDelivery()) == nil {
      dropped += 1
      return
    }
    let fields: Fields =
      switch result {
      case .success(let answer): answer.wireValue.map ?? [:]
      case .failure(let error): ["error": .string(error.description)]
      }
    // As deep as the event during which it was asked: one that asks in each answer is no chain of agents. Two events lie
    // between that event and the answer: its activation, which was the cause, and this one.
    let cause = answer.cause.map { Cause(id: $0.id, trace: $0.trace, depth: max(0, $0.depth - 2)) }
    let event = shared.events.publish(
      AgentEvents.answer(id, name: answer.name, fields, manifest.policy.priority), from: source, cause: cause)
    try? deliver(Delivery(event: event, cause: Cause(event), count: 1, waiting: [], isWanted: true))
  }

  func causes(of device: String) -> [Event] { shared.history?.chain(toLastChangeOf: device) ?? [] }

  /// The devices that the manifest grants, with what the board knows of them, and what the manifest tells a mind.
  func surroundings() throws(AgentError) -> Value {
    let permissions = manifest.permissions
    let devices = shared.hardware.board.devices.filter { device in
      let id = device.id.rawValue
      return switch device.kind {
      case .sensor, .input: permissions.mayRead(sensor: id)
      case .actuator: permissions.actuators.contains { $0.matches(id) }
      case .camera: permissions.cameras.contains { $0.matches(id) }
      }
    }
    return [
      "agent": .string(id.rawValue), "name": .string(manifest.name), "description": .string(manifest.description),
      "devices": .list(devices.compactMap { shared.hardware.device($0.id).map { .map($0.description) } }),
      "emit": .list(permissions.emit.map { .string($0.text) }),
      "paths": .list(permissions.paths.map(Value.string)), "mind": try mind().map(Value.map) ?? .null,
    ]
  }

  /// The mind's settings with the contents of its guide. Without it the mind would act without its rules.
  private func mind() throws(AgentError) -> Fields? {
    guard let mind = manifest.mind else { return nil }
    var fields = mind.fields
    guard let name = mind.guideFile else { return fields }
    let file = Files.join(Files.folder(of: manifest.file), name)
    do throws(AgentError) {
      guard let path = shared.files.resolve(file) else { throw AgentError(.notFound, "there is no file \(file)") }
      let text = try shared.files.read(path)
      guard text.count <= Mind.longestGuide else {
        throw AgentError(.limited, "\(file) has \(text.count) bytes, and a guide may have \(Mind.longestGuide)")
      }
      fields["guide"] = .string(String(decoding: text, as: UTF8.self))
    } catch {
      throw AgentError(.unavailable, "the guide of agent '\(id)' cannot be read: \(error.message)")
    }
    return fields
  }
}

extension DeviceStatus {
  /// What an agent is told of a device.
  fileprivate var description: Fields {
    var fields: Fields = ["id": .string(id.rawValue), "kind": .string(kind), "state": .string(state)]
    if let name { fields["name"] = .string(name) }
    if let reading {
      fields["value"] = .double(reading.value)
      if !reading.unit.isEmpty { fields["unit"] = .string(reading.unit) }
    }
    if !limits.isEmpty { fields["limits"] = .list(limits.map(Value.string)) }
    return fields
  }
}
