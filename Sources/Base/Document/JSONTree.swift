import CJSON
import Model

/// The tree that jansson made of a text; owns it.
@safe struct JSONTree: ~Copyable {
  private let root: UnsafeMutablePointer<json_t>

  /// Parses `bytes` once they are within `limits`.
  init(_ bytes: ArraySlice<UInt8>, file: String, limits: DocumentLimits) throws(Diagnostic) {
    try JSONScan.check(bytes, file: file, limits: limits)
    var error = json_error_t()
    let flags = Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)
    // SAFETY: the buffer outlives the call, and jansson copies what it keeps.
    let root = unsafe bytes.withUnsafeBytes { buffer in
      // An empty buffer has a null pointer, which jansson refuses.
      unsafe buffer.baseAddress.flatMap { unsafe json_loadb($0, buffer.count, flags, &error) }
    }
    guard let root = unsafe root else {
      throw JSONProblem(error, in: Array(bytes), file: file).diagnostic
    }
    unsafe self.root = root
  }

  // SAFETY: json_loadb gave us this reference, and no pointer into the tree leaves this type.
  deinit { unsafe json_decref(root) }

  /// The text's value without locations.
  var value: Value { unsafe Self.value(root) }

  /// The text's value with locations.
  /// - Parameter bytes: the text that this tree was parsed from.
  func node(of bytes: [UInt8], file: String) -> Node {
    var tokens = JSONTokens(bytes)
    return unsafe Self.node(root, &tokens, file)
  }

  // SAFETY of the functions below: all pointers belong to a live tree that nothing changes, and carry their lengths.
  // Recursion goes no deeper than DocumentLimits.depth.

  private static func value(_ json: UnsafeMutablePointer<json_t>) -> Value {
    switch unsafe json.pointee.type {
    case JSON_OBJECT:
      var pairs: [(key: String, value: Value)] = []
      unsafe pairs.reserveCapacity(json_object_size(json))
      unsafe forEachEntry(of: json) { key, json in unsafe pairs.append((key, value(json))) }
      return .map(Fields(uniquePairs: pairs))
    case JSON_ARRAY:
      var values: [Value] = []
      unsafe values.reserveCapacity(json_array_size(json))
      unsafe forEachElement(of: json) { json in unsafe values.append(value(json)) }
      return .list(values)
    case JSON_STRING: return unsafe .string(string(json))
    case JSON_INTEGER: return unsafe .int(Int64(json_integer_value(json)))
    case JSON_REAL: return unsafe .double(json_real_value(json))
    case JSON_TRUE: return .bool(true)
    case JSON_FALSE: return .bool(false)
    default: return .null
    }
  }

  /// Walks the tree and the text's tokens in step: jansson keeps objects in the order of the text.
  private static func node(_ json: UnsafeMutablePointer<json_t>, _ tokens: inout JSONTokens, _ file: String) -> Node {
    let location = tokens.next().location(in: file)
    switch unsafe json.pointee.type {
    case JSON_OBJECT:
      var entries: [Node.Entry] = []
      unsafe entries.reserveCapacity(json_object_size(json))
      unsafe forEachEntry(of: json) { key, json in
        let keyLocation = tokens.next().location(in: file)
        _ = tokens.next()  // ':'
        unsafe entries.append(Node.Entry(key: key, keyLocation: keyLocation, value: node(json, &tokens, file)))
        _ = tokens.next()  // ',' or '}'
      }
      if entries.isEmpty { _ = tokens.next() }
      return Node(.map(entries), location)
    case JSON_ARRAY:
      var nodes: [Node] = []
      unsafe nodes.reserveCapacity(json_array_size(json))
      unsafe forEachElement(of: json) { json in
        unsafe nodes.append(node(json, &tokens, file))
        _ = tokens.next()  // ',' or ']'
      }
      if nodes.isEmpty { _ = tokens.next() }
      return Node(.list(nodes), location)
    case JSON_STRING: return unsafe Node(.string(string(json)), location)
    case JSON_INTEGER: return unsafe Node(.int(Int64(json_integer_value(json))), location)
    case JSON_REAL: return unsafe Node(.double(json_real_value(json)), location)
    case JSON_TRUE: return Node(.bool(true), location)
    case JSON_FALSE: return Node(.bool(false), location)
    default: return Node(.null, location)
    }
  }

  private static func forEachEntry(
    of object: UnsafeMutablePointer<json_t>, _ body: (String, UnsafeMutablePointer<json_t>) -> Void
  ) {
    var next = unsafe json_object_iter(object)
    while let entry = unsafe next {
      if let key = unsafe json_object_iter_key(entry), let json = unsafe json_object_iter_value(entry) {
        unsafe body(text(key, json_object_iter_key_len(entry)), json)
      }
      unsafe next = json_object_iter_next(object, entry)
    }
  }

  private static func forEachElement(
    of array: UnsafeMutablePointer<json_t>, _ body: (UnsafeMutablePointer<json_t>) -> Void
  ) {
    for index in 0..<(unsafe json_array_size(array)) {
      if let json = unsafe json_array_get(array, index) { unsafe body(json) }
    }
  }

  private static func string(_ json: UnsafeMutablePointer<json_t>) -> String {
    unsafe json_string_value(json).map { unsafe text($0, json_string_length(json)) } ?? ""
  }

  private static func text(_ start: UnsafePointer<CChar>, _ count: Int) -> String {
    unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
  }
}
