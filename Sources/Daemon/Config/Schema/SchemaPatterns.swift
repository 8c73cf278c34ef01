/// The regular expressions (ECMA-262) of texts with a form of their own. The parser of each decides in the end: a pattern
/// may allow a little more, and never less.
extension Schema {
  private static let number = "[0-9.]+"
  private static let timeUnit = "(?:ns|us|µs|ms|s|m|h|d)"

  /// `1m30s`: `Quantity.duration`.
  static let duration = "(?:\(number)\(timeUnit))+"
  /// `4MiB`: `Quantity.bytes`.
  static let bytes = "\(number)(?:B|KiB|MiB|GiB|kB|KB|MB|GB)?"
  /// `10%`: `Quantity.percent`.
  static let percent = "\(number)%"
  /// `20/s`, `100/10s`: `Quantity.rate`.
  static let rate = "\(number)[kM]?/(?:\(timeUnit)|\(duration))"
  /// `64KiB/m`: `Quantity.byteRate`.
  static let byteRate = "\(bytes)/(?:\(timeUnit)|\(duration))"
  /// `Identifier.isWellFormed`.
  static let id = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
  /// `RuleVariable.isName`.
  static let variable = "[A-Za-z][A-Za-z0-9_]{0,63}"
  /// `EventPattern.isWellFormed`: one colon, or a wildcard that may stand for it.
  static let event = "[A-Za-z0-9_./*-]+:[A-Za-z0-9_./*-]+|[A-Za-z0-9_./-]*\\*[A-Za-z0-9_./*-]*"
  /// A device id in which `*` stands for any characters.
  static let devices = "[A-Za-z0-9._*-]{1,64}"
  /// `PluginReference`: a name with a range of versions.
  static let plugin = "(?:@\(id)/)?\(id)(?:@.+)?"
}
