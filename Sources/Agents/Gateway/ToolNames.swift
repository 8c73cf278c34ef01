import Model
import OpenStarryAgent

/// The names of tools on the wire: OpenAI's own API takes letters, digits, `_` and `-`, and agents have dots as well.
enum ToolNames {
  /// A name as servers take it.
  static func wire(_ name: String) -> String {
    guard name.utf8.contains(UInt8(ascii: ".")) else { return name }
    return name.split(separator: ".", omittingEmptySubsequences: false).joined(separator: "__")
  }

  /// The tool that a model means: one of the request, else the name as it is.
  static func tool(_ name: String, of request: ModelRequest) -> String {
    if request.tools.contains(where: { $0.name.isSame(as: name) }) { return name }
    return request.tools.first { wire($0.name).isSame(as: name) }?.name ?? name
  }
}
