import Linux

/// The guardian's program file.
package enum GuardianProgram {
  /// The name of the file.
  package static let name = "openstarry-guardian"

  /// Looks for the program where `CompanionProgram.find` does.
  package static func find() -> String? { CompanionProgram.find(name) }
}
