/// Terminal colours: ECMA-48 "select graphic rendition", the basic colours of every terminal. Without `colour` each
/// function returns the text unchanged.
public enum Paint {
  /// `text` in grey, if the terminal supports it.
  public static func faint(_ text: String, _ colour: Bool) -> String { wrap(text, 2, colour) }
  /// `text` in bold.
  public static func bold(_ text: String, _ colour: Bool) -> String { wrap(text, 1, colour) }
  /// `text` in red, for errors.
  public static func red(_ text: String, _ colour: Bool) -> String { wrap(text, 31, colour) }
  /// `text` in green, for success.
  public static func green(_ text: String, _ colour: Bool) -> String { wrap(text, 32, colour) }
  /// `text` in yellow, for warnings.
  public static func yellow(_ text: String, _ colour: Bool) -> String { wrap(text, 33, colour) }
  /// `text` in blue.
  public static func blue(_ text: String, _ colour: Bool) -> String { wrap(text, 34, colour) }
  /// `text` in magenta.
  public static func magenta(_ text: String, _ colour: Bool) -> String { wrap(text, 35, colour) }
  /// `text` in cyan.
  public static func cyan(_ text: String, _ colour: Bool) -> String { wrap(text, 36, colour) }

  private static func wrap(_ text: String, _ code: Int, _ colour: Bool) -> String {
    colour ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}
