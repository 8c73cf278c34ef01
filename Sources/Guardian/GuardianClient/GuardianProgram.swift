import Linux

/// The guardian's program file.
public enum GuardianProgram {
  /// The name of the file.
  public static let name = "openstarry-guardian"

  /// Looks for the program where `CompanionProgram.find` does.
  public static func find() -> String? { CompanionProgram.find(name) }
}
