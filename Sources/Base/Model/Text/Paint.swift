/// Terminal colours: ECMA-48 "select graphic rendition", the basic colours of every terminal. Without `colour` each
/// function returns the text unchanged.
package enum Paint {
  /// `text` in grey, if the terminal supports it.
  package static func faint(_ text: String, _ colour: Bool) -> String { wrap(text, 2, colour) }
  /// `text` in bold.
  package static func bold(_ text: String, _ colour: Bool) -> String { wrap(text, 1, colour) }
  /// `text` in red, for errors.
  package static func red(_ text: String, _ colour: Bool) -> String { wrap(text, 31, colour) }
  /// `text` in green, for success.
  package static func green(_ text: String, _ colour: Bool) -> String { wrap(text, 32, colour) }
  /// `text` in yellow, for warnings.
  package static func yellow(_ text: String, _ colour: Bool) -> String { wrap(text, 33, colour) }
  /// `text` in blue.
  package static func blue(_ text: String, _ colour: Bool) -> String { wrap(text, 34, colour) }
  /// `text` in magenta.
  package static func magenta(_ text: String, _ colour: Bool) -> String { wrap(text, 35, colour) }
  /// `text` in cyan.
  package static func cyan(_ text: String, _ colour: Bool) -> String { wrap(text, 36, colour) }

  private static func wrap(_ text: String, _ code: Int, _ colour: Bool) -> String {
    colour ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}
