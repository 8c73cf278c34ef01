import Document
import Model

/// `board.yaml`: one board with its chips, buses and devices. The page `docs/board-yaml.md` describes it.
package enum BoardFile {
  /// Reads a board.
  /// - Parameters:
  ///   - node: the whole file.
  ///   - file: the file's path, for messages; relative paths in the file start in its folder.
  /// - Returns: the board with defaults filled in, and warnings.
  /// - Throws: all errors and warnings.
  package static func decode(_ node: Node, file: String) throws(Diagnostics) -> (Board, warnings: [Diagnostic]) {
    let findings = Findings()
    let board = FieldReader(node, what: "the board", findings: findings).flatMap { read($0, file: file) }
    return try findings.finish(board)
  }

  /// The form of the file.
  static var schema: Schema {
    .variants(by: "backend", Board.Backend.allCases.map(\.rawValue), usual: Board.Backend.linux.rawValue) {
      _ = read($0, file: "")
    }
  }

  private static func read(_ fields: FieldReader, file: String) -> Board? {
    let name = fields.required("name", .name)
    let backend = fields.value("backend", .choice(of: Board.Backend.self), .linux)
    let clock = fields.optional("clock", .choice(of: Board.Clock.self))
    let place = fields.map("place").flatMap { reader -> Board.Place? in
      let latitude = reader.required("latitude", .number(-90...90))
      let longitude = reader.required("longitude", .number(-180...180))
      reader.close()
      guard let latitude, let longitude else { return nil }
      return Board.Place(latitude: latitude, longitude: longitude)
    }
    let chips = chips(fields)
    let buses = buses(fields)
    let scope = BoardScope(backend: backend, chips: chips, buses: buses)
    let devices = devices(fields, scope)
    let world = fields.node("world", Schema(["type": "object"])).flatMap {
      FieldReader($0, what: "'world'", findings: fields.findings)
    }
    // `wires` is used by tests on a real board (docs/testbed.md).
    if let world, backend == .linux, world.entries.contains(where: { $0.key != "wires" }) {
      fields.findings.warning(world.location, "'world' has an effect only when 'backend' is simulated")
    }
    fields.close()
    guard let name else { return nil }
    return Board(
      name: name, backend: backend, clock: clock, place: place, chips: chips.compactMapValues(\.self),
      buses: buses.compactMapValues(\.self), devices: devices,
      world: Fields(uniquePairs: world?.entries.map { ($0.key, $0.value.value) } ?? []), file: file)
  }

  /// Chips by name; nil for an invalid chip, so that its error is not repeated for each of its devices.
  private static func chips(_ board: FieldReader) -> [String: Board.Chip?] {
    var chips: [String: Board.Chip?] = [:]
    for entry in board.entries(of: "chips", .either(chipLabel.schema, .map { _ = chip($0) })) {
      chips[entry.key] = .some(chip(entry, board.findings))
    }
    return chips
  }

  private static func chip(_ entry: Node.Entry, _ findings: Findings) -> Board.Chip? {
    guard case .map = entry.value.content else {
      return chipLabel.read(entry.value, "chip '\(entry.key)'", findings).map { Board.Chip(label: $0) }
    }
    return FieldReader(entry.value, what: "chip '\(entry.key)'", findings: findings).flatMap(chip)
  }

  private static func chip(_ fields: FieldReader) -> Board.Chip? {
    let path = fields.optional("path", .text)
    let chip = fields.required("label", chipLabel).map { Board.Chip(label: $0, path: path) }
    fields.close()
    return chip
  }

  private static var chipLabel: Shape<String> {
    .text("text: the label that gpiodetect shows, such as pinctrl-bcm2711", isFree: true)
  }

  /// Buses by name; nil for an invalid bus.
  private static func buses(_ board: FieldReader) -> [String: Board.Bus?] {
    var buses: [String: Board.Bus?] = [:]
    for entry in board.entries(of: "buses", .either(busNode.schema, .map { _ = bus($0) })) {
      buses[entry.key] = .some(bus(entry, board.findings))
    }
    return buses
  }

  private static func bus(_ entry: Node.Entry, _ findings: Findings) -> Board.Bus? {
    let what = "bus '\(entry.key)'"
    guard case .map = entry.value.content else {
      return busNode.read(entry.value, what, findings).map { Board.Bus(path: $0) }
    }
    return FieldReader(entry.value, what: what, findings: findings).flatMap(bus)
  }

  private static var busNode: Shape<String> {
    Shape("a device node such as /dev/i2c-1", .text("/dev/.+")) { node in
      guard case .string(let text) = node.content, text.hasPrefix("/dev/"), text.utf8.count > 5 else { return nil }
      return text
    }
  }

  private static func bus(_ fields: FieldReader) -> Board.Bus? {
    let (what, findings) = (fields.what, fields.findings)
    let path = fields.optional("path", busNode)
    let adapter = fields.optional("adapter", .text)
    fields.close()
    fields.record?.require(["oneOf": [["required": ["path"]], ["required": ["adapter"]]]])
    switch (fields.node("path"), fields.node("adapter")) {
    case (nil, nil):
      findings.error(fields.location, "\(what) has neither 'path' nor 'adapter', expected one of them")
      return nil
    case (_?, _?):
      findings.error(fields.place(of: "adapter"), "\(what) has both 'path' and 'adapter', expected one of them")
      return nil
    default: return path == nil && adapter == nil ? nil : Board.Bus(path: path, adapter: adapter)
    }
  }

  private static func devices(_ board: FieldReader, _ scope: BoardScope) -> [Device] {
    let entries = board.entries(of: "devices", DeviceReader.schema(scope.backend), names: Schema.id)
    let declared = DeclaredDevices(entries)
    var devices: [Device] = []
    for entry in entries {
      if let device = DeviceReader(scope: scope, declared: declared, findings: board.findings).read(entry) {
        devices.append(device)
      }
    }
    BoardClaims(scope: scope, findings: board.findings).check(devices)
    for device in devices { checkDerived(device, declared, board.findings) }
    EffectReader.check(devices, declared, board.findings)
    return DeclaredDevices.symmetric(devices)
  }

  /// Reports sensors that `count` would derive under an id that is taken or too long.
  private static func checkDerived(_ device: Device, _ declared: DeclaredDevices, _ findings: Findings) {
    for sensor in device.derived {
      if declared.kinds[sensor.id.rawValue] != nil {
        findings.error(
          device.location, "'count' of input '\(device.id)' makes a sensor '\(sensor.id)', but a device has that id")
      } else if device.id.isWellFormed, !sensor.id.isWellFormed {
        findings.error(
          device.location,
          "'count' makes a sensor '\(sensor.id)', whose id is longer than 64 characters: shorten this one")
      }
    }
  }
}

/// The backend, and the chips and buses that devices may refer to.
struct BoardScope {
  let backend: Board.Backend
  /// By name; nil for an invalid chip.
  let chips: [String: Board.Chip?]
  /// By name; nil for an invalid bus.
  let buses: [String: Board.Bus?]
}
