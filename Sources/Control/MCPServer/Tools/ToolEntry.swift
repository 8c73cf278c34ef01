import Document
import MCP
import Model

/// The entry of a tool in `tools/list`.
extension Tool {
  /// The most bytes of devices in a description.
  static let mostDeviceBytes = 1500

  func entry(_ catalogue: Catalogue) -> Fields {
    [
      "name": .string(name), "title": .string(title), "description": .string(description(catalogue)),
      "inputSchema": .map(inputSchema(catalogue)), "outputSchema": .map(outputSchema),
      "annotations": .map(annotations(catalogue)),
    ]
  }

  // MARK: Schemas

  /// The schema of the arguments, out of that of the method's parameters.
  func inputSchema(_ catalogue: Catalogue) -> Fields {
    let method = method.flatMap { catalogue.schemas[$0] } ?? [:]
    let properties = method["properties"]?.map ?? [:]
    let required = (method["required"]?.list ?? []).compactMap(\.string)
    var schema: Fields = ["type": "object"]
    schema["properties"] = .map(
      Fields(
        uniquePairs: arguments.map { argument in
          (argument.name, .map(property(argument, properties[argument.name]?.map ?? [:], catalogue)))
        }))
    let needed = arguments.filter { argument in
      argument.isRequired || required.contains { $0.isSame(as: argument.name) }
    }
    if !needed.isEmpty { schema["required"] = .list(needed.map { .string($0.name) }) }
    schema["additionalProperties"] = false
    return schema
  }

  private func property(_ argument: Argument, _ schema: Fields, _ catalogue: Catalogue) -> Fields {
    var schema = schema
    if argument.name.isSame(as: "device"), !devices.isEmpty {
      schema["enum"] = .list(catalogue.devices(devices).prefix(200).map { .string($0.id) })
      schema["maxLength"] = nil
      if catalogue.devices(devices).count > 200 { schema["enum"] = nil }
    }
    if let most = argument.most { schema["maximum"] = .int(most) }
    if let otherwise = argument.otherwise { schema["default"] = otherwise }
    return schema
  }

  /// The schema of `structuredContent`.
  var outputSchema: Fields {
    var properties = output
    properties["cut"] = [
      "type": "array", "items": ["type": "string"],
      "description": "what limits have cut from the request or the result, one sentence each; left out for nothing",
    ]
    return [
      "type": "object", "properties": .map(properties),
      "required": .list(outputRequired.map { .string($0) }),
    ]
  }

  // MARK: Descriptions

  /// What the tool does, and after it the devices, as data.
  private func description(_ catalogue: Catalogue) -> String {
    guard !devices.isEmpty else { return about }
    let all = catalogue.devices(devices)
    var room = Self.mostDeviceBytes
    let shown = all.prefix { device in
      room -= DataText.escaped(json: JSON.text(Self.line(device))).utf8.count + 1
      return room >= 0
    }
    let block = DataText.block(json: JSON.text(.list(shown.map(Self.line))))
    let rest = all.count - shown.count
    return "\(about) The devices, in the words of the board file: \(block)"
      + (rest > 0 ? " and \(rest) more, which 'devices' lists." : "")
  }

  private static func line(_ device: Catalogue.Device) -> Value {
    var line: Fields = ["device": .string(device.id)]
    if !device.name.isEmpty { line["name"] = .string(device.name.cut(to: 64)) }
    if !device.unit.isEmpty { line["unit"] = .string(device.unit.cut(to: 16)) }
    if !device.limits.isEmpty { line["limits"] = .list(device.limits.prefix(8).map { .string($0.cut(to: 64)) }) }
    return .map(line)
  }

  // MARK: Annotations

  /// What clients may tell people before a call. Hints only: the gate decides, whatever they say.
  private func annotations(_ catalogue: Catalogue) -> Fields {
    var hints: Fields = ["title": .string(title), "readOnlyHint": .bool(!effect.changesSomething)]
    switch effect {
    case .none: hints["idempotentHint"] = true
    case .command:
      // What the board file bounds comes to an end whoever forgets it.
      hints["destructiveHint"] = .bool(!catalogue.devices(devices).allSatisfy(\.isBounded))
      // A second pulse is a second pulse.
      hints["idempotentHint"] = false
    case .release:
      hints["destructiveHint"] = false
      hints["idempotentHint"] = true
    case .event:
      hints["destructiveHint"] = false
      hints["idempotentHint"] = false
    }
    hints["openWorldHint"] = false
    return hints
  }
}
