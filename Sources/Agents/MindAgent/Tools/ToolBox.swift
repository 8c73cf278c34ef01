import OpenStarryAgent

/// The tools of one mind: those that its permissions make sense of, and that `capabilities.tools` lists.
struct ToolBox {
  let tools: [Tool]
  /// What the manifest lists and its permissions do not provide for, each with the reason.
  let missing: [String]

  /// - Parameters:
  ///   - notes: keeps what it remembers.
  ///   - places: the files and folders that it may use.
  ///   - others: tools of MCP servers.
  init(
    _ board: Surroundings, notes: Notes, places: FilePlaces, others: [Tool] = [], pause: @escaping (Duration) -> Void
  ) {
    let listed = board.settings.tools
    let devices = DeviceTools.all(board, pause: pause)
    // A manifest that was written for upstream cannot list them. Its permissions say what it may do with devices.
    let namesDevices = DeviceTools.names.contains { Pattern.anyMatches(listed, $0) }
    // Further sources of tools belong here.
    let own =
      EventTools.all(board, notes: notes) + NoteTools.all(notes) + FileTools.all(places) + others
    func isListed(_ tool: Tool) -> Bool { listed.isEmpty || Pattern.anyMatches(listed, tool.name) }
    var chosen = devices.filter { !namesDevices || isListed($0) } + own.filter(isListed)
    // Servers refuse two tools of one name; the first is the mind's own.
    var names: Set<[UInt8]> = []
    chosen = chosen.filter { names.insert(Array($0.name.utf8)).inserted }
    tools = Array(chosen.prefix(Self.most))
    missing = Self.missing(listed, chosen, places)
  }

  /// More tools than this only confuse a model.
  static let most = 64

  /// The tool of this name; nil for one that the mind was not given.
  func tool(_ name: String) -> Tool? { tools.first { $0.name.isSame(as: name) } }

  /// How the model learns of them.
  var declarations: [ModelTool] { tools.map(\.declaration) }

  private static func missing(_ listed: [String], _ chosen: [Tool], _ places: FilePlaces) -> [String] {
    listed.compactMap { name in
      guard !chosen.contains(where: { Pattern.matches(name, $0.name) }) else { return nil }
      let isChange = ["fs.write", "fs.mkdir", "fs.delete"].contains { Pattern.matches(name, $0) }
      if isChange && places.data == nil {
        return "\(name.bounded(64)): it needs a folder, which permissions.data gives"
      }
      return "\(name.bounded(64)): no permission provides for it"
    }
  }
}
