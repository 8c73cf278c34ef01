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

  private static func read(_ fields: FieldReader, file: String) -> Board? {
    let name = fields.required("name", .name)
    let backend = fields.value("backend", .choice(of: Board.Backend.self), .linux)
    let clock = fields.optional("clock", .choice(of: Board.Clock.self))
    let chips = chips(fields)
    let buses = buses(fields)
    let scope = BoardScope(backend: backend, chips: chips, buses: buses)
    let devices = devices(fields, scope)
    let world = fields.map("world")
    // `wires` is used by tests on a real board (docs/testbed.md).
    if let world, backend == .linux, world.entries.contains(where: { $0.key != "wires" }) {
      fields.findings.warning(world.location, "'world' has an effect only when 'backend' is simulated")
    }
    fields.close()
    guard let name else { return nil }
    return Board(
      name: name, backend: backend, clock: clock, chips: chips.compactMapValues(\.self),
      buses: buses.compactMapValues(\.self), devices: devices,
      world: Fields(uniquePairs: world?.entries.map { ($0.key, $0.value.value) } ?? []), file: file)
  }

  /// Chips by name; nil for an invalid chip, so that its error is not repeated for each of its devices.
  private static func chips(_ board: FieldReader) -> [String: Board.Chip?] {
    var chips: [String: Board.Chip?] = [:]
    for entry in board.map("chips")?.entries ?? [] {
      chips[entry.key] = .some(chip(entry, board.findings))
    }
    return chips
  }

  private static func chip(_ entry: Node.Entry, _ findings: Findings) -> Board.Chip? {
    let label = Shape.text("text: the label that gpiodetect shows, such as pinctrl-bcm2711")
    guard case .map = entry.value.content else {
      return label.read(entry.value, "chip '\(entry.key)'", findings).map { Board.Chip(label: $0) }
    }
    guard let fields = FieldReader(entry.value, what: "chip '\(entry.key)'", findings: findings) else { return nil }
    let path = fields.optional("path", .text)
    let chip = fields.required("label", label).map { Board.Chip(label: $0, path: path) }
    fields.close()
    return chip
  }

  /// Buses by name; nil for an invalid bus.
  private static func buses(_ board: FieldReader) -> [String: Board.Bus?] {
    var buses: [String: Board.Bus?] = [:]
    for entry in board.map("buses")?.entries ?? [] {
      buses[entry.key] = .some(bus(entry, board.findings))
    }
    return buses
  }

  private static func bus(_ entry: Node.Entry, _ findings: Findings) -> Board.Bus? {
    let what = "bus '\(entry.key)'"
    let node = Shape<String>("a device node such as /dev/i2c-1") { node in
      guard case .string(let text) = node.content, text.hasPrefix("/dev/"), text.utf8.count > 5 else { return nil }
      return text
    }
    guard case .map = entry.value.content else {
      return node.read(entry.value, what, findings).map { Board.Bus(path: $0) }
    }
    guard let fields = FieldReader(entry.value, what: what, findings: findings) else { return nil }
    let path = fields.optional("path", node)
    let adapter = fields.optional("adapter", .text)
    fields.close()
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
    guard let entries = board.map("devices")?.entries else { return [] }
    let declared = DeclaredDevices(entries)
    var devices: [Device] = []
    for entry in entries {
      if let device = DeviceReader(scope: scope, declared: declared, findings: board.findings).read(entry) {
        devices.append(device)
      }
    }
    BoardClaims(scope: scope, findings: board.findings).check(devices)
    for device in devices { checkDerived(device, declared, board.findings) }
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
