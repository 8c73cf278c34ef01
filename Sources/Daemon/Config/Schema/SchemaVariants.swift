import Document
import Model

extension Schema {
  /// The schema of a map whose keys depend on the value of one of them, such as `driver`.
  ///
  /// What all variants agree on comes first; then each follows as `if` and `then`, which is what editors understand best.
  /// - Parameters:
  ///   - selector: the key.
  ///   - names: its values.
  ///   - usual: the value that counts when the key is missing; nil when it is required.
  ///   - variant: the schema of the map with one of the values.
  static func variants(
    by selector: String, _ names: [String], usual: String? = nil, _ variant: (String) -> Schema
  ) -> Schema {
    let variants = names.map { (name: $0, schema: variant($0).keywords) }
    let common = Common(variants.map(\.schema), selector: selector)
    var choice = Schema.choice(names)
    if usual != nil { choice = choice.orNull }
    var keywords: Fields = ["type": "object"]
    keywords["properties"] = .map(Fields([(selector, choice.value)] + common.properties))
    let required = (usual == nil ? [selector] : []) + common.required
    if !required.isEmpty { keywords["required"] = .list(required.map { .string($0) }) }
    keywords["allOf"] = .list(
      variants.map { variant in
        var condition: Fields = ["properties": .map([selector: ["const": .string(variant.name)]])]
        if variant.name == usual {
          condition["properties"] = .map([selector: ["enum": [.string(variant.name), .null]]])
        } else {
          condition["required"] = [.string(selector)]
        }
        return ["if": .map(condition), "then": .map(common.rest(of: variant.schema))]
      })
    return Schema(keywords)
  }

  /// The same, where the map is read by the code in `read`, and the selector has the value.
  static func variants(
    by selector: String, _ names: [String], usual: String? = nil, reading read: (FieldReader) -> Void
  ) -> Schema {
    variants(by: selector, names, usual: usual) { name in
      let record = SchemaRecord()
      read(FieldReader(recording: record, probe: [selector: name]))
      return record.schema
    }
  }

  /// What all variants of a map agree on.
  private struct Common {
    let selector: String
    /// Keys of the same form in all of them.
    let properties: [(String, Value)]
    let required: [String]

    init(_ variants: [Fields], selector: String) {
      self.selector = selector
      let all = variants.map { $0["properties"]?.map ?? [:] }
      properties = (all.first ?? [:]).filter { property in
        property.key != selector && all.allSatisfy { $0[property.key] == property.value }
      }.map { ($0.key, $0.value) }
      let names = variants.map(Self.required)
      required = (names.first ?? []).filter { name in name != selector && names.allSatisfy { $0.contains(name) } }
    }

    /// A variant without it. Keys that come first are only named, so that the variant may be closed.
    func rest(of variant: Fields) -> Fields {
      var rest = variant
      rest["type"] = nil
      let isClosed = variant["additionalProperties"] != nil
      let own = (variant["properties"]?.map ?? [:]).compactMap { property -> (String, Value)? in
        let isCommon = property.key == selector || properties.contains { $0.0 == property.key }
        if isCommon { return isClosed ? (property.key, true) : nil }
        return (property.key, property.value)
      }
      rest["properties"] = own.isEmpty ? nil : .map(Fields(own))
      let required = Self.required(variant).filter { $0 != selector && !self.required.contains($0) }
      rest["required"] = required.isEmpty ? nil : .list(required.map { .string($0) })
      return rest
    }

    private static func required(_ variant: Fields) -> [String] {
      (variant["required"]?.list ?? []).compactMap(\.string)
    }
  }
}
