import CYAML
import Model

/// One parser event of libyaml.
struct YAMLEvent {
  enum Kind {
    case documentStart
    case streamEnd
    case alias(String)
    /// `plain`: neither quoted nor a block scalar.
    case scalar(String, plain: Bool)
    case listStart
    case mapStart
    /// The end of a list or a map.
    case end
    /// The stream's start and a document's end.
    case other
  }

  var kind: Kind
  /// The name after `&`.
  var anchor: String?
  /// The tag with its handle resolved.
  var tag: String?
  /// Where the event begins; both count from 1.
  var line: Int
  var column: Int
}

/// The parser events of one text. libyaml keeps its state on the heap and does not recurse.
@safe struct YAMLEvents: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let isReady: Bool

  /// A parser at the text's start.
  /// - Parameter text: UTF-8 without a byte order mark, not empty; it must outlive the parser.
  @unsafe init(_ text: UnsafeBufferPointer<UInt8>) {
    unsafe parser = .allocate(capacity: 1)
    isReady = unsafe yaml_parser_initialize(parser) == 1
    guard isReady else { return }
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
  }

  deinit {
    // SAFETY: init allocated the parser, and nothing else keeps the pointer.
    if isReady { unsafe yaml_parser_delete(parser) }
    unsafe parser.deallocate()
  }

  /// The next event.
  /// - Throws: a syntax error; do not call `next` again after it.
  mutating func next() throws(YAMLProblem) -> YAMLEvent {
    guard isReady else { throw YAMLProblem.memory }
    // SAFETY: libyaml fills in the event; its contents are copied before `yaml_event_delete` frees them.
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw unsafe YAMLProblem(parser.pointee) }
    defer { unsafe yaml_event_delete(&event) }
    return unsafe Self.copy(event)
  }

  private static func copy(_ event: yaml_event_t) -> YAMLEvent {
    var copy = unsafe YAMLEvent(
      kind: .other, line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1)
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT: copy.kind = .documentStart
    case YAML_STREAM_END_EVENT: copy.kind = .streamEnd
    case YAML_ALIAS_EVENT: copy.kind = unsafe .alias(text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let value = unsafe String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      copy.kind = unsafe .scalar(value, plain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
      copy.anchor = unsafe text(scalar.anchor)
      copy.tag = unsafe text(scalar.tag)
    case YAML_SEQUENCE_START_EVENT:
      copy.kind = .listStart
      copy.anchor = unsafe text(event.data.sequence_start.anchor)
      copy.tag = unsafe text(event.data.sequence_start.tag)
    case YAML_MAPPING_START_EVENT:
      copy.kind = .mapStart
      copy.anchor = unsafe text(event.data.mapping_start.anchor)
      copy.tag = unsafe text(event.data.mapping_start.tag)
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: copy.kind = .end
    default: break
    }
    return copy
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    unsafe pointer.map { unsafe String(cString: $0) }
  }
}
