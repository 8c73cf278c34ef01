import Document
import Model

/// Reads the settings of a device's kind, which do not depend on its driver.
struct DeviceSettings {
  /// The kinds of device.
  static let kinds = ["sensor", "input", "actuator", "camera"]

  let declared: DeclaredDevices
  let id: DeviceID

  /// The keys of a kind's settings.
  static func keys(of kind: String) -> [String] {
    let fields = FieldReader([], what: "", location: Location(file: ""), findings: Findings())
    _ = DeviceSettings(declared: DeclaredDevices([]), id: "").read(kind, fields)
    return fields.knownKeys
  }

  /// The settings for `kind`, with defaults for missing and invalid values.
  func read(_ kind: String, _ fields: FieldReader) -> Device.Kind {
    switch kind {
    case "sensor": .sensor(SensorReader(fields: fields).read())
    case "input": .input(InputReader(fields: fields).read())
    case "actuator": .actuator(actuator(fields))
    default: .camera(camera(fields))
    }
  }

  private func actuator(_ fields: FieldReader) -> ActuatorSettings {
    let defaults = ActuatorSettings()
    let settings = ActuatorSettings(
      safe: fields.value("safe", Self.level, defaults.safe),
      onExit: fields.value("on_exit", .choice(of: ActuatorSettings.OnExit.self), defaults.onExit),
      maxOn: fields.optional("max_on", .duration(atLeast: .milliseconds(1))),
      minOff: fields.optional("min_off", .duration()),
      maxRate: fields.optional("max_rate", .rate),
      exclusiveWith: fields.value("exclusive_with", .oneOrMore(of: otherActuator), []),
      lease: fields.value("lease", .duration(atLeast: .milliseconds(1)), defaults.lease),
      refresh: fields.optional("refresh", .duration()),
      min: fields.value("min", Self.level, defaults.min),
      max: fields.value("max", Self.level, defaults.max),
      onlyWhile: fields.optional("only_while", Self.condition),
      approval: ApprovalReader(fields: fields, inputs: declared.ids(of: "input")).read(),
      verify: EffectReader.read(fields),
      atStart: fields.optional("at_start", .choice(of: ActuatorSettings.AtStart.self)))
    checkLevels(settings, fields)
    if case .above(let level)? = settings.approval?.scope, settings.safe <= level, level >= settings.max {
      fields.findings.warning(
        fields.place(of: "approval"),
        "'approval' is above \(EventSentence.level(level)), and 'max' \(EventSentence.level(settings.max)): no command needs "
          + "approval")
    }
    if case .above(let level)? = settings.approval?.scope, settings.safe > level {
      fields.findings.error(
        fields.place(of: "approval"),
        "'approval' is above \(EventSentence.level(level)), and 'safe' \(EventSentence.level(settings.safe)): expected a "
          + "condition such as {if: \"level < 0.5\"}, because lower levels are farther from the safe state")
    }
    if let maxOn = settings.maxOn { check(maxOn, settings, fields) }
    return settings
  }

  private func checkLevels(_ settings: ActuatorSettings, _ fields: FieldReader) {
    if settings.max <= settings.min {
      fields.findings.error(
        fields.place(of: fields.node("max") == nil ? "min" : "max"),
        "'max' is \(EventSentence.level(settings.max)), and 'min' \(EventSentence.level(settings.min)): expected 'max' to be "
          + "greater")
    } else if settings.safe > settings.max {
      fields.findings.warning(
        fields.place(of: "safe"),
        "'safe' is \(EventSentence.level(settings.safe)), above 'max' of \(EventSentence.level(settings.max)): only the "
          + "safe state is that high")
    }
  }

  /// Warns of settings that weaken `max_on`.
  private func check(_ maxOn: Duration, _ settings: ActuatorSettings, _ fields: FieldReader) {
    if fields.node("lease") != nil, settings.lease > maxOn {
      fields.findings.warning(
        fields.place(of: "lease"),
        "'lease' is \(settings.lease.text), but 'max_on' ends every lease after \(maxOn.text)")
    }
  }

  static var condition: Shape<RuleDeclaration.Condition> { condition("sensor('tank') > 20") }

  /// - Parameter example: a condition.
  static func condition(_ example: String) -> Shape<RuleDeclaration.Condition> {
    Shape("a condition in CEL such as \(example)", RuleReader.conditionSchema) { node in
      guard case .string(let text) = node.content, text.contains(where: { !$0.isWhitespace }) else { return nil }
      return RuleDeclaration.Condition(text: text, location: node.location)
    }
  }

  private func camera(_ fields: FieldReader) -> CameraSettings {
    let defaults = FrameFormat()
    let size = fields.value("size", Self.size, (defaults.width, defaults.height))
    let format = FrameFormat(
      pixels: fields.value("format", Self.pixels, defaults.pixels), width: size.width, height: size.height,
      rate: fields.value("rate", .number(0.1...240), defaults.rate))
    return CameraSettings(format: format, motion: motion(fields))
  }

  /// `true` for the defaults, or a map with other values.
  private func motion(_ fields: FieldReader) -> MotionSettings? {
    guard let node = fields.node("motion", .either(.bool, .map { _ = Self.motion($0) })) else { return nil }
    let defaults = MotionSettings()
    if case .bool(let wanted) = node.content { return wanted ? defaults : nil }
    guard case .map(let entries) = node.content else {
      fields.findings.error(
        node.location, "'motion' is \(Wording.shown(node)), expected true, false or a map of threshold and cooldown")
      return nil
    }
    return Self.motion(
      FieldReader(entries, what: "'motion'", location: node.location, findings: fields.findings))
  }

  private static func motion(_ motion: FieldReader) -> MotionSettings {
    let defaults = MotionSettings()
    let settings = MotionSettings(
      threshold: motion.value("threshold", .number(0...1), defaults.threshold),
      cooldown: motion.value("cooldown", .duration(), defaults.cooldown))
    motion.close()
    return settings
  }

  /// `on`, `off`, or a level from 0 to 1 such as `0.4` or `40%`. YAML 1.1 reads on and off as booleans.
  static var level: Shape<Double> {
    Shape(
      "on, off or a level such as 0.4 or 40%",
      .either(.bool, .number(["minimum": 0, "maximum": 1]), .text("on|off|\(Schema.percent)"))
    ) { node in
      switch node.content {
      case .string("on"), .bool(true): return 1
      case .string("off"), .bool(false): return 0
      case .string(let text):
        guard let level = Quantity.percent(text), (0...1).contains(level) else { return nil }
        return level
      default:
        guard let level = node.scalar.double, (0...1).contains(level) else { return nil }
        return level
      }
    }
  }

  /// A size such as `640x480`.
  private static var size: Shape<(width: Int, height: Int)> {
    Shape("a size such as 640x480, each side from 16 to 8192", .text("[0-9]+x[0-9]+")) { node in
      guard case .string(let text) = node.content else { return nil }
      let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard sides.count == 2, sides.allSatisfy({ (16...8192).contains($0) }) else { return nil }
      return (sides[0], sides[1])
    }
  }

  /// A pixel format by its common name or by its V4L2 code.
  private static var pixels: Shape<FrameFormat.PixelFormat> {
    let names: [(name: String, value: FrameFormat.PixelFormat)] = [
      ("mjpeg", .mjpeg), ("yuyv", .yuyv), ("nv12", .nv12), ("rgb24", .rgb24), ("grey", .grey),
    ]
    return Shape(
      Wording.alternatives(names.map(\.name)), names: names.map(\.name),
      .choice(names.map(\.name) + FrameFormat.PixelFormat.allCases.map(\.rawValue))
    ) { node in
      guard case .string(let text) = node.content else { return nil }
      return names.first { $0.name == text }?.value ?? FrameFormat.PixelFormat(rawValue: text)
    }
  }

  /// Another actuator of the same board.
  private var otherActuator: Shape<DeviceID> {
    let actuators = declared.ids(of: "actuator").filter { $0 != id.rawValue }
    return Shape(
      actuators.isEmpty
        ? "another actuator, but there is none" : "another actuator: " + Wording.alternatives(actuators),
      names: actuators, .text(Schema.id)
    ) { node in
      guard case .string(let text) = node.content, actuators.contains(text) else { return nil }
      return DeviceID(text)
    }
  }
}
