import Chips
import Document
import Model

/// Reads the options of a device's driver, as declared in the driver catalogue.
struct DriverOptions {
  let scope: BoardScope
  let declared: DeclaredDevices

  /// The options with defaults filled in. Invalid options are reported and omitted.
  func read(_ driver: DriverCatalogue.Entry, _ fields: FieldReader) -> Fields {
    var options = Fields()
    for option in driver.options {
      let shape = option.name == "address" ? address(option.type) : shape(option.type)
      options[option.name] =
        option.required
        ? fields.required(option.name, shape) : fields.optional(option.name, shape) ?? option.defaultValue
    }
    return options
  }

  private func shape(_ type: DriverCatalogue.OptionType) -> Shape<Value> {
    switch type {
    case .int(let range): Shape<Int>.int(Int(range.lowerBound)...Int(range.upperBound)).map { .int(Int64($0)) }
    case .number: Shape<Double>.number().map { .double($0) }
    case .bool: Shape<Bool>.bool.map { .bool($0) }
    case .text: Shape<String>.text.map { .string($0) }
    case .choice(let names): choice(names)
    case .duration: duration
    case .bus: name("a bus of this board", among: scope.buses.keys.sorted(), declare: "buses")
    case .chip: name("a chip of this board", among: scope.chips.keys.sorted(), declare: "chips")
    case .device: name("a device of this board", among: declared.kinds.keys.sorted(), declare: "devices")
    case .map:
      Shape("a map", Schema(["type": "object"])) { node in if case .map = node.content { node.value } else { nil } }
    case .list: Shape("a list", .list(of: .any)) { node in if case .list = node.content { node.value } else { nil } }
    }
  }

  /// An I²C address, whose range is shown in hexadecimal.
  private func address(_ type: DriverCatalogue.OptionType) -> Shape<Value> {
    guard case .int(let range) = type else { return shape(type) }
    let bounds = [range.lowerBound, range.upperBound].map { "0x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    return Shape(
      "an address from \(bounds[0]) to \(bounds[1])", .integer(Int(range.lowerBound)...Int(range.upperBound))
    ) { node in
      guard let address = node.scalar.int, range.contains(address) else { return nil }
      return .int(address)
    }
  }

  /// One of several names. Some are numbers to YAML: `channel: 0` means the choice `0`.
  private func choice(_ names: [String]) -> Shape<Value> {
    Shape(Wording.alternatives(names), names: names, Self.schema(of: names)) { node in
      let text: String? =
        switch node.content {
        case .string(let text): text
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        default: nil
        }
      return text.flatMap { names.contains($0) ? .string($0) : nil }
    }
  }

  private static func schema(of names: [String]) -> Schema {
    let numbers = names.compactMap { name in Int64(name).map { Value.int($0) } ?? Double(name).map { Value.double($0) }
    }
    return Schema(["enum": .list(names.map { .string($0) } + numbers)])
  }

  /// A duration, kept as text because `Value` has no durations.
  private var duration: Shape<Value> {
    Shape(Shape<Duration>.duration().expected, .text(Schema.duration)) { node in
      guard case .string(let text) = node.content, Quantity.duration(text) != nil else { return nil }
      return .string(text)
    }
  }

  private func name(_ what: String, among names: [String], declare block: String) -> Shape<Value> {
    let expected = names.isEmpty ? "\(what); declare it under '\(block)'" : "\(what): " + Wording.alternatives(names)
    return Shape(expected, names: names, .text(least: 1)) { node in
      guard case .string(let text) = node.content, names.contains(text) else { return nil }
      return .string(text)
    }
  }
}
