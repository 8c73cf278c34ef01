import Document
import Model

/// Reads `models` of the settings.
struct ModelReader {
  let path: Shape<String>

  /// The models in their order; a name may be there once.
  func read(_ fields: FieldReader) -> [ModelSettings] {
    let models = fields.value("models", .list(of: model), [])
    var seen: Set<String> = []
    for model in models where !seen.insert(model.name).inserted {
      fields.findings.error(fields.place(of: "models"), "'models' has two models named '\(model.name)'")
    }
    return models
  }

  private var model: Shape<ModelSettings> {
    let expected = "a map with 'name' and 'url'"
    return Shape(expected: expected, .map { _ = read(model: $0) }) { node, subject, findings in
      FieldReader(node, what: subject, findings: findings).flatMap(read(model:))
    }
  }

  private func read(model fields: FieldReader) -> ModelSettings? {
    let name = fields.required("name", .name)
    let url = fields.required("url", Self.url)
    var model = ModelSettings(name ?? "", url: url ?? "")
    model.model = fields.value("model", .text("the model's name at its server"), model.name)
    model.key = fields.value("key", key, "")
    model.context = fields.optional("context", .int(16...100_000_000))
    model.maxTokens = fields.value("max_tokens", .int(1...1_000_000), model.maxTokens)
    model.timeout = fields.value("timeout", .duration(atLeast: .seconds(1)), model.timeout)
    if let price = fields.map("price") {
      let (input, output) = (price.required("input", Self.money), price.required("output", Self.money))
      price.close()
      if let input, let output { model.price = ModelSettings.Price(input: input, output: output) }
    }
    model.tools = fields.value("tools", .choice(of: ModelSettings.Tools.self), model.tools)
    model.sees = fields.value("sees", .bool, model.sees)
    fields.close()
    if fields.node("max_tokens") != nil, let context = model.context, context <= model.maxTokens {
      fields.findings.error(
        fields.place(of: "max_tokens"),
        "'max_tokens' is \(model.maxTokens), and 'context' \(context): expected 'context' to be greater, as it has to "
          + "hold the request, too")
    }
    if !model.key.isEmpty, let url, url.hasPrefix("http://"), !Self.isLocal(url) {
      fields.findings.error(
        fields.place(of: "key"),
        "a key would cross the network in clear text: 'url' has to be https, or on this machine")
    }
    return name == nil || url == nil ? nil : model
  }

  /// A base URL without `/chat/completions`, query and fragment.
  static var url: Shape<String> {
    let address = Self.address
    return Shape(expected: address.expected, address.schema) { node, subject, findings in
      guard let text = address.read(node, subject, findings) else { return nil }
      if hasPossiblePort(text) { return text }
      findings.error(
        node.location, "\(subject) is \(Wording.quoted(text)), whose port cannot exist: expected one from 1 to 65535")
      return nil
    }
  }

  private static var address: Shape<String> {
    let expected = "the base URL of the API such as http://127.0.0.1:8080/v1"
    return Shape(expected, .text("(https?|http\\+unix)://[^\\s?#]+")) { node in
      guard case .string(var text) = node.content, schemes.contains(where: text.hasPrefix),
        text.utf8.count <= 1024, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3F && $0 != 0x23 }),
        let host = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).first, !host.isEmpty,
        !host.utf8.contains(0x40)
      else { return nil }
      while text.hasSuffix("/") { text.removeLast() }
      if text.hasSuffix("/chat/completions") { text.removeLast("/chat/completions".utf8.count) }
      return text
    }
  }

  private static let schemes = ["http://", "https://", "http+unix://"]

  /// Whether the port of a URL may exist; true for one without.
  private static func hasPossiblePort(_ url: String) -> Bool {
    guard !url.hasPrefix("http+unix://"),
      let host = url.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).first
    else { return true }
    let rest = host.hasPrefix("[") ? host.drop { $0 != "]" }.dropFirst() : host.drop { $0 != ":" }
    guard !rest.isEmpty else { return true }
    let digits = rest.dropFirst()
    // The initializer of Int takes signs, too.
    return rest.hasPrefix(":") && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
      && (1...65_535).contains(Int(digits) ?? 0)
  }

  /// Whether a URL leads to this machine.
  static func isLocal(_ url: String) -> Bool {
    if url.hasPrefix("http+unix://") { return true }
    guard let rest = url.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).first else {
      return false
    }
    let host = rest.hasPrefix("[") ? rest.prefix { $0 != "]" } + "]" : rest.prefix { $0 != ":" }
    return host == "localhost" || host == "[::1]"
      || host.hasPrefix("127.") && host.allSatisfy { $0 == "." || $0.isNumber }
  }

  /// The name of a file in /etc/openstarry/keys, or a path.
  private var key: Shape<String> {
    let expected = "the name of a file in /etc/openstarry/keys, or the path of a file"
    let path = path
    return Shape(expected: expected, .text(least: 1, most: 1024)) { node, subject, findings in
      guard let text = Shape<String>.text(expected).read(node, subject, findings) else { return nil }
      if text.utf8.contains(0x2F) { return path.read(node, subject, findings) }
      if text.hasPrefix("sk-") || text.utf8.count > 64 {
        findings.error(
          node.location, "\(subject) looks like a key itself, which belongs into a file: expected \(expected)")
        return nil
      }
      guard !text.hasPrefix("."), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        findings.error(node.location, "\(subject) is \(Wording.quoted(text)), expected \(expected)")
        return nil
      }
      return text
    }
  }

  /// Money in millionths.
  private static var money: Shape<Int64> {
    Shape("a price for a million tokens such as 0.15", .number(["minimum": 0])) { node in
      let number: Double? =
        switch node.content {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
      guard let number, number >= 0, number <= 1_000_000 else { return nil }
      return Int64((number * 1_000_000).rounded())
    }
  }
}

extension ModelSettings {
  /// Whether its server is on this machine.
  package var isOnThisMachine: Bool { ModelReader.isLocal(url) }
}
