import CWasmtime

/// Readable names of functions in modules.
enum FunctionName {
  /// Demangles a name of Swift, such as `Thermostat.handle(_:_:)`. Other names stay as they are.
  ///
  /// Uses the demangler of the Swift runtime.
  static func readable(_ name: String) -> String {
    guard name.hasPrefix("$e") || name.hasPrefix("$s") else { return name }
    // SAFETY: the runtime reads `count` bytes of the zero-terminated text, and returns memory from malloc, or null.
    let text = unsafe name.withCString { unsafe demangle($0, name.utf8.count, nil, nil, 0) }
    guard let text = unsafe text else { return name }
    defer { unsafe free(text) }
    return short(unsafe String(cString: text))
  }

  /// Removes mangled names from a message of the engine: in `wasm[0]::function[32]::$s…` the number is enough.
  static func removed(from message: String) -> String {
    var (result, word): ([UInt8], [UInt8]) = ([], [])
    func end() {
      let start = word.indices.dropFirst(2).first {
        word[$0] == UInt8(ascii: "$") && word[$0 - 1] == UInt8(ascii: ":") && word[$0 - 2] == UInt8(ascii: ":")
      }
      result += start.map { word[..<($0 - 2)] } ?? word[...]
      word = []
    }
    for byte in message.utf8 {
      if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") {
        end()
        result.append(byte)
      } else {
        word.append(byte)
      }
    }
    end()
    return String(decoding: result, as: UTF8.self)
  }

  /// Removes parts that are noise in a log: the file of a private name, and everything after the parameters. `trap.Trap.(boom in _27B9)(Swift.Int) throws(E) -> ()` is `trap.Trap.boom(Swift.Int)`.
  static func short(_ name: String) -> String {
    var result: [UInt8] = []
    var rest = Array(name.utf8)[...]
    let (mark, ends) = (Array(" in _".utf8), [" throws", " async", " -> "].map { Array($0.utf8) })
    while let byte = rest.first {
      if ends.contains(where: { rest.starts(with: $0) }) { break }
      rest = rest.dropFirst()
      guard byte == UInt8(ascii: "("), let close = rest.firstIndex(of: UInt8(ascii: ")")),
        let place = rest[..<close].indices.first(where: { rest[$0..<close].starts(with: mark) })
      else {
        result.append(byte)
        continue
      }
      result += rest[..<place]
      rest = rest[(close + 1)...]
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// `swift_demangle` of the Swift runtime (swift/Demangling/Demangle.h). The caller frees the result.
@_silgen_name("swift_demangle")
private func demangle(
  _ name: UnsafePointer<CChar>, _ count: Int, _ buffer: UnsafeMutablePointer<CChar>?,
  _ size: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?
