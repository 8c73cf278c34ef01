import Linux
import MCP
import OpenStarryAgent

/// Files, under the names that upstream gives these tools.
enum FileTools {
  /// The most bytes of one answer, of a file that is written, and the most entries of a list.
  static let (mostRead, mostWritten, mostEntries) = (16_384, 65_536, 200)
  /// How deep a list goes.
  private static let deepest = 8

  static func all(_ places: FilePlaces) -> [Tool] {
    if places.isEmpty { return [] }
    return [read(places), list(places)]
      + (places.data == nil ? [] : [write(places), makeFolder(places), delete(places)])
  }

  private static let path = Arguments.Argument.required("path", .text(1...FilePlaces.longest), "relative or absolute")

  private static func read(_ places: FilePlaces) -> Tool {
    Tool(
      name: "fs.read",
      about: "The text of a file, at most \(mostRead) bytes at once. You may use: \(places.description)",
      arguments: Arguments([path, .optional("offset", .integer(0...1 << 40), "in bytes from the file's start")])
    ) { (arguments, context) throws(ToolFailure) in
      let path = arguments["path"]?.string ?? ""
      let offset = arguments["offset"]?.int ?? 0
      let found = try places.find(path, for: .reading)
      let (bytes, size) = try attempt(path) { () throws(SystemError) in
        try Beneath.part(of: found.path, in: found.root, at: offset, limit: mostRead)
      }
      guard var text = text(bytes) else { throw ToolFailure("'\(path.bounded(200))' is no text in UTF-8") }
      // What is escaped takes up to six times its bytes: less of it fits.
      while DataText.size(.string(text)) > mostRead * 2 { text = text.beginning(text.utf8.count / 2) }
      var result = ToolResult(["text": .string(text), "bytes": .int(size)])
      let end = offset + Int64(text.utf8.count)
      if end < size { result.fields["next_offset"] = .int(end) }
      // With the other fields.
      result.mostBytes = mostRead * 2 + 256
      return result
    }
  }

  /// A text whose last character may be cut; nil if it is no UTF-8, or has zeros.
  private static func text(_ bytes: [UInt8]) -> String? {
    if bytes.contains(0) { return nil }
    return (0...min(3, bytes.count)).lazy.compactMap { String(validating: bytes.dropLast($0), as: UTF8.self) }.first
  }

  private static func list(_ places: FilePlaces) -> Tool {
    Tool(
      name: "fs.list", about: "The entries of a folder; folders end with '/'.",
      arguments: Arguments([path, .optional("recursive", .flag, "also those of the folders in it")])
    ) { (arguments, context) throws(ToolFailure) in
      let path = arguments["path"]?.string ?? ""
      let found = try places.find(path, for: .reading)
      var names: [String] = []
      let depth = arguments["recursive"]?.bool == true ? deepest : 1
      let isWhole = try attempt(path) { () throws(SystemError) in
        let place = try Beneath.folder(found.root)
        return try add(found.path, "", depth, in: place.number, to: &names)
      }
      var result = ToolResult(["entries": .list(names.map(Value.string))])
      if !isWhole { result.fields["more"] = true }
      return result
    }
  }

  /// - Returns: false if there is more than is listed.
  private static func add(
    _ path: String, _ prefix: String, _ depth: Int, in root: Int32, to names: inout [String]
  ) throws(SystemError) -> Bool {
    let folder = try Beneath.read(path, in: root)
    var isWhole = true
    for entry in try Beneath.entries(of: folder.number, limit: 4096) {
      guard names.count < mostEntries else { return false }
      let name = prefix + entry.name
      names.append(entry.kind == .folder ? "\(name)/" : name)
      guard entry.kind == .folder else { continue }
      if depth > 1 {
        let below = path == "." ? entry.name : "\(path)/\(entry.name)"
        // A folder that may not be read is listed without its entries.
        isWhole = ((try? add(below, "\(name)/", depth - 1, in: root, to: &names)) ?? false) && isWhole
      }
    }
    return isWhole
  }

  private static func write(_ places: FilePlaces) -> Tool {
    Tool(
      name: "fs.write", about: "Writes a file in \(places.data ?? ""), replacing what was in it.",
      arguments: Arguments([path, .required("content", .text(0...mostWritten), "the text")]), mostBytes: mostWritten * 2
    ) { (arguments, context) throws(ToolFailure) in
      let path = arguments["path"]?.string ?? ""
      let content = Array((arguments["content"]?.string ?? "").utf8)
      let found = try places.find(path, for: .writing)
      try places.makeSure(ofRoomFor: max(1, content.count))
      try attempt(path) { () throws(SystemError) in try Beneath.write(content, to: found.path, in: found.root) }
      return ToolResult(["bytes": .int(Int64(content.count))])
    }
  }

  private static func makeFolder(_ places: FilePlaces) -> Tool {
    Tool(name: "fs.mkdir", about: "Makes a folder in \(places.data ?? "").", arguments: Arguments([path])) {
      (arguments, context) throws(ToolFailure) in
      let path = arguments["path"]?.string ?? ""
      let found = try places.find(path, for: .writing)
      // The place itself is there.
      guard found.path != "." else { return ToolResult() }
      try places.makeSure(ofRoomFor: 1)
      try attempt(path) { () throws(SystemError) in try Beneath.makeFolder(found.path, in: found.root) }
      return ToolResult()
    }
  }

  private static func delete(_ places: FilePlaces) -> Tool {
    Tool(
      name: "fs.delete", about: "Deletes a file, a link or an empty folder in \(places.data ?? "").",
      arguments: Arguments([path])
    ) { (arguments, context) throws(ToolFailure) in
      let path = arguments["path"]?.string ?? ""
      let found = try places.find(path, for: .removing)
      guard found.path != "." else { throw ToolFailure("the folder itself stays") }
      try attempt(path) { () throws(SystemError) in try Beneath.remove(found.path, in: found.root) }
      return ToolResult()
    }
  }

  private static func attempt<Answer>(
    _ path: String, _ action: () throws(SystemError) -> Answer
  ) throws(ToolFailure) -> Answer {
    do throws(SystemError) {
      return try action()
    } catch {
      throw ToolFailure("'\(path.bounded(200))': \(SystemError.text(error.errno))")
    }
  }
}
