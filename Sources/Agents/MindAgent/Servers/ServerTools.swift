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

  /// Asks all servers for their tools. One that does not answer costs at most the time limit of a tool.
  /// - Returns: the tools, and a sentence for each server that has none to give.
  static func all(_ settings: Settings) -> (tools: [Tool], problems: [String]) {
    var (tools, problems) = ([Tool](), [String]())
    for (name, command) in settings.servers.prefix(8) {
      guard (1...24).contains(name.utf8.count), ModelTool.isName(name) else {
        problems.append("MCP server '\(name.bounded(40))': a name has at most 24 letters, digits, '_', '-' and '.'")
        continue
      }
      let server = ServerProgram(name, command)
      do throws(ServerProgram.Failure) {
        tools += try list(server, settings.toolTimeout)
      } catch {
        problems.append("MCP server '\(name)': \(sentence(error))")
      }
    }
    return (tools, problems)
  }

  private static func list(_ server: ServerProgram, _ limit: Duration) throws(ServerProgram.Failure) -> [Tool] {
    var (tools, cursor) = ([Tool](), Value?.none)
    for _ in 0..<mostPages {
      let page = try server.ask("tools/list", cursor.map { ["cursor": $0] } ?? [:], within: limit)
      for tool in page["tools"]?.list ?? [] where tools.count < mostTools {
        if let tool = self.tool(tool, of: server, limit) { tools.append(tool) }
      }
      guard let next = page["nextCursor"], next.string != nil, tools.count < mostTools else { break }
      cursor = next
    }
    return tools
  }

  /// nil for a tool whose name no model server would accept.
  private static func tool(_ value: Value, of server: ServerProgram, _ limit: Duration) -> Tool? {
    guard let theirs = value["name"]?.string else { return nil }
    let name = "mcp.\(server.name).\(theirs)"
    guard ModelTool.isName(name) else { return nil }
    let schema = plainSchema(value["inputSchema"] ?? .null)
    let isShort = (schema.map?.weight ?? .max) <= mostSchemaBytes
    let about = DataText.block(.string((value["description"]?.string ?? "").bounded(600)), limit: 1200)
    return Tool(
      name: name, about: "A tool of the program '\(server.name)', which says of it: \(about)",
      arguments: Arguments(foreign: isShort ? schema : .null)
    ) { (arguments, context) throws(ToolFailure) in
      let parameters: Fields = ["name": .string(theirs), "arguments": .map(arguments)]
      let answer: Value
      do throws(ServerProgram.Failure) {
        answer = try server.ask("tools/call", parameters, within: limit)
      } catch { throw ToolFailure(sentence(error)) }
      return try result(answer, name)
    }
  }

  /// The words of JSON Schema that constrain a value. Texts for people are left out: they are the server's.
  private static let words = [
    "type", "properties", "required", "items", "enum", "const", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "additionalProperties", "anyOf", "oneOf",
    "format", "default",
  ]

  /// A schema without texts for people, references and names that could pass for a text.
  static func plainSchema(_ value: Value, depth: Int = 0) -> Value {
    guard depth < 8, let fields = value.map else { return .map([:]) }
    var plain: Fields = [:]
    for (word, value) in fields where words.contains(where: { $0.isSame(as: word) }) {
      switch value {
      case .map(let inner) where word.isSame(as: "properties"):
        plain[word] = .map(
          inner.reduce(into: [:]) { found, property in
            guard ModelTool.isName(property.key) else { return }
            found[property.key] = plainSchema(property.value, depth: depth + 1)
          })
      case .map: plain[word] = plainSchema(value, depth: depth + 1)
      case .list(let values):
        plain[word] = .list(
          values.prefix(64).compactMap { value in
            switch value {
            case .map: plainSchema(value, depth: depth + 1)
            case .string(let text): isPlainWord(text) ? value : nil
            case .int, .double, .bool, .null: value
            case .list, .bytes: nil
            }
          })
      case .string(let text): if isPlainWord(text) { plain[word] = value }
      case .int, .double, .bool: plain[word] = value
      case .null, .bytes: break
      }
    }
    return .map(plain)
  }

  /// A word, and not a sentence.
  private static func isPlainWord(_ text: String) -> Bool {
    text.utf8.count <= 64
      && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }
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

  private static func sentence(_ failure: ServerProgram.Failure) -> String {
    switch failure {
    case .broken(let sentence): sentence
    case .refused(let code, let message): "\(message) (\(code))"
    }
  }
}
