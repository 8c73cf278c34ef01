import Model

/// Reads YAML text. libyaml (pyyaml.org/wiki/LibYAML) does the parsing.
package enum YAML {
  /// Reads a file's text: exactly one document, with the scalars of the YAML 1.2 core schema (yaml.org/spec/1.2.2,
  /// section 10.3). Every value and key carries its location.
  ///
  /// So `on`, `off`, `yes` and `no` are text, `010` is ten, `0o10` is eight. A byte order mark is skipped. An alias
  /// has its own location; the values inside keep the anchor's. Valid YAML that is refused nevertheless: more than one
  /// document, duplicate keys, keys that are not text, merge keys (`<<`), tags other than the core schema's, NaN,
  /// infinities, integers beyond 64 bits, the character U+0000.
  /// - Parameters:
  ///   - bytes: the text, UTF-8.
  ///   - file: the name for messages.
  ///   - limits: the largest size and nesting; an alias counts as every value it expands to.
  /// - Returns: the document's value; entries of maps keep their order.
  /// - Throws: all wrong values and keys (at most 50) up to the first syntax error, and that error.
  package static func parse(
    _ bytes: [UInt8], file: String, limits: DocumentLimits = .defaultValue
  ) throws(Diagnostics) -> Node {
    var composer = YAMLComposer(file: file, limits: limits)
    do throws(Diagnostic) {
      try limits.checkSize(bytes.count, file: file)
      let text = try TextEncoding.checked(bytes, file: file)
      // An empty buffer has a null pointer, which libyaml does not accept.
      if text.isEmpty { throw YAMLComposer.isEmpty(file) }
      // SAFETY: `events` does not outlive the buffer.
      try unsafe text.withUnsafeBufferPointer { (buffer) throws(Diagnostic) in
        var events = unsafe YAMLEvents(buffer)
        while !composer.isComplete {
          let event: YAMLEvent
          do throws(YAMLProblem) {
            event = try events.next()
          } catch {
            throw error.diagnostic(in: text, file: file)
          }
          try composer.take(event)
        }
      }
    } catch {
      throw Diagnostics(composer.problems + [error])
    }
    guard composer.problems.isEmpty, let root = composer.root else { throw Diagnostics(composer.problems) }
    return root
  }
}
