import Linux
import MCP
import OpenStarryAgent

/// The tools of the MCP servers that the manifest lists, each as `mcp.SERVER.TOOL`.
///
/// What a server says of its tools is somebody else's text: descriptions reach the model as data, and of schemas only
/// the parts that constrain.
enum ServerTools {
  /// The most tools of one server, and the most pages in which it lists them.
  private static let (mostTools, mostPages) = (32, 8)
  /// The most bytes of a schema.
  private static let mostSchemaBytes = 4096

  /// Asks all servers for their tools. Each has the time limit of a tool for its start and its list, and all together
  /// have twice as much, since the event that started the mind waits.
  /// - Returns: the tools, and a sentence for each server that has none to give.
  static func all(_ settings: Settings) -> (tools: [Tool], problems: [String]) {
    var (tools, problems) = ([Tool](), [String]())
    let end = deadline(settings.toolTimeout * 2)
    for (name, place) in settings.servers.prefix(8) {
      guard (1...24).contains(name.utf8.count), ModelTool.isName(name) else {
        problems.append("MCP server '\(name.bounded(40))': a name has at most 24 letters, digits, '_', '-' and '.'")
        continue
      }
      guard System.monotonicNanoseconds() < end else {
        problems.append("MCP server '\(name)': not started, since the ones before it took too long")
        continue
      }
      let server = MCPClient(name, transport(place))
      do throws(MCPClient.Failure) {
        tools += try list(server, settings.toolTimeout, until: min(end, deadline(settings.toolTimeout)))
      } catch {
        problems.append("MCP server '\(name)': \(sentence(error))")
      }
    }
    return (tools, problems)
  }

  private static func transport(_ place: Settings.ServerPlace) -> any ServerTransport {
    switch place {
    case .program(let command): ProgramTransport(command)
    case .url(let url): HTTPTransport(url)
    }
  }

  private static func deadline(_ limit: Duration) -> UInt64 {
    System.monotonicNanoseconds() + UInt64(max(0, limit.nanoseconds))
  }

  /// - Parameters:
  ///   - limit: for each call of the tools.
  ///   - deadline: for the whole list.
  private static func list(
    _ server: MCPClient, _ limit: Duration, until deadline: UInt64
  ) throws(MCPClient.Failure) -> [Tool] {
    var (tools, cursor) = ([Tool](), Value?.none)
    for _ in 0..<mostPages {
      let page = try server.ask("tools/list", cursor.map { ["cursor": $0] } ?? [:], until: deadline)
      for tool in page["tools"]?.list ?? [] where tools.count < mostTools {
        if let tool = self.tool(tool, of: server, limit) { tools.append(tool) }
      }
      guard let next = page["nextCursor"], next.string != nil, tools.count < mostTools else { break }
      cursor = next
    }
    return tools
  }

  /// nil for a tool whose name no model server would accept.
  private static func tool(_ value: Value, of server: MCPClient, _ limit: Duration) -> Tool? {
    guard let theirs = value["name"]?.string else { return nil }
    let name = "mcp.\(server.name).\(theirs)"
    guard ModelTool.isName(name) else { return nil }
    let schema = plainSchema(value["inputSchema"] ?? .null)
    let isShort = (schema.map?.weight ?? .max) <= mostSchemaBytes
    let about = DataText.block(.string((value["description"]?.string ?? "").bounded(600)), limit: 1200)
    return Tool(
      name: name, about: "A tool of the server '\(server.name)', which says of it: \(about)",
      arguments: Arguments(foreign: isShort ? schema : .null)
    ) { (arguments, context) throws(ToolFailure) in
      let parameters: Fields = ["name": .string(theirs), "arguments": .map(arguments)]
      let answer: Value
      do throws(MCPClient.Failure) {
        answer = try server.ask("tools/call", parameters, until: deadline(limit))
      } catch { throw ToolFailure(sentence(error)) }
      return try result(answer, name)
    }
  }

  /// The parts of a JSON Schema that constrain a value. Texts for people, references and names that could pass for a
  /// text are left out: they are the server's, and a schema is no data block.
  static func plainSchema(_ value: Value, depth: Int = 0) -> Value {
    guard depth < 8, let fields = value.map else { return .map([:]) }
    func plain(_ value: Value) -> Value { plainSchema(value, depth: depth + 1) }
    var schema: Fields = [:]
    for (word, value) in fields {
      switch word {
      case "type":
        let kinds = (value.list ?? [value]).filter { kind in kind.string.map(types.contains) ?? false }
        if !kinds.isEmpty { schema[word] = value.list == nil ? kinds[0] : .list(kinds) }
      case "properties":
        guard let properties = value.map else { continue }
        schema[word] = .map(
          Fields(properties.filter { ModelTool.isName($0.key) }.map { ($0.key, plain($0.value)) }))
      case "required":
        let declared = fields["properties"]?.map ?? [:]
        let names = (value.list ?? []).filter { name in
          name.string.map { ModelTool.isName($0) && declared[$0] != nil } ?? false
        }
        schema[word] = .list(names)
      case "enum":
        let choices = (value.list ?? []).prefix(64).filter { isPlain($0) || $0.string.map(ModelTool.isName) ?? false }
        if !choices.isEmpty { schema[word] = .list(Array(choices)) }
      case "items", "additionalProperties":
        if value.map != nil { schema[word] = plain(value) } else if value.bool != nil { schema[word] = value }
      case "anyOf", "oneOf":
        let choices = (value.list ?? []).prefix(64).filter { $0.map != nil }.map(plain)
        if !choices.isEmpty { schema[word] = .list(choices) }
      case "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems",
        "maxItems":
        if isPlain(value) { schema[word] = value }
      default: break
      }
    }
    return .map(schema)
  }

  private static let types = ["object", "array", "string", "number", "integer", "boolean", "null"]

  /// Whether a value has no words.
  private static func isPlain(_ value: Value) -> Bool {
    switch value {
    case .int, .double, .bool, .null: true
    case .string, .bytes, .list, .map: false
    }
  }

  /// What the server has answered. Only texts, structured content and JPEG pictures are of use.
  private static func result(_ value: Value, _ name: String) throws(ToolFailure) -> ToolResult {
    if let type = value["resultType"]?.string, !type.isSame(as: "complete") {
      throw ToolFailure("the server asks for more than a tool call gives: \(type.bounded(40))")
    }
    let content = value["content"]?.list ?? []
    let texts = content.compactMap { $0["text"]?.string.map(Value.string) }
    if value["isError"]?.bool == true {
      throw ToolFailure(texts.compactMap(\.string).joined(separator: "\n").bounded(1000))
    }
    var result = ToolResult(["content": .list(texts)])
    if texts.isEmpty, let structured = value["structuredContent"] { result.fields["content"] = structured }
    for item in content where item["mimeType"]?.string?.isSame(as: "image/jpeg") == true {
      guard let jpeg = item["data"]?.string.flatMap(Base64.bytes), jpeg.count <= DeviceTools.mostPictureBytes else {
        continue
      }
      result.picture = (jpeg, name)
    }
    return result
  }

  private static func sentence(_ failure: MCPClient.Failure) -> String {
    switch failure {
    case .broken(let sentence): sentence
    case .refused(let code, let message): "\(message) (\(code))"
    }
  }
}
