import Model

/// YAML text to values; reading is done by libyaml (pyyaml.org/wiki/LibYAML).
public enum YAML {
  /// Reads a file's text: exactly one document, with the scalars of the YAML 1.2 core schema (yaml.org/spec/1.2.2,
  /// section 10.3); every value and key knows its place.
  ///
  /// So `on`, `off`, `yes` and `no` are text, `010` is ten, `0o10` is eight. A byte order mark is skipped. An alias
  /// stands for its anchor's value and has its own place; what is inside keeps the anchor's. Refused beyond the
  /// grammar: more than one document, duplicate keys, keys that are not text, merge keys (`<<`), tags other than the
  /// core schema's, NaN, infinities, integers beyond 64 bits, the character U+0000.
  /// - Parameters:
  ///   - bytes: the text, UTF-8.
  ///   - file: what to call it in messages.
  ///   - limits: how large it may be; an alias counts as all it stands for.
  /// - Returns: the document's value; entries of maps keep their order.
  /// - Throws: what is wrong, and where: all wrong values and keys, up to the first mistake of the grammar.
  public static func parse(
    _ bytes: [UInt8], file: String, limits: DocumentLimits = .standard
  ) throws(Diagnostics) -> Node {
    var composer = YAMLComposer(file: file, limits: limits)
    do throws(Diagnostic) {
      try limits.checkSize(bytes.count, file: file)
      let text = try TextEncoding.checked(bytes, file: file)
      // libyaml wants a pointer to something.
      if text.isEmpty { throw YAMLComposer.isEmpty(file) }
      // SAFETY: the events end before the buffer does.
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
