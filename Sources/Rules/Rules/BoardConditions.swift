import Model

/// The conditions in a board file.
package enum BoardConditions {
  /// Checks them.
  /// - Parameter complaint: as for `Interlock.compile`.
  /// - Throws: all errors.
  package static func check(
    _ board: Board, complaint: @escaping (_ function: String, _ name: String) -> String? = { _, _ in nil }
  ) throws(Diagnostics) {
    var problems: [Diagnostic] = []
    do throws(Diagnostics) { _ = try Interlock.compile(board, complaint: complaint) } catch { problems += error.all }
    do throws(Diagnostics) { _ = try ApprovalCondition.compile(board, complaint: complaint) } catch {
      problems += error.all
    }
    do throws(Diagnostics) { _ = try Effect.compile(board, complaint: complaint) } catch { problems += error.all }
    if !problems.isEmpty { throw Diagnostics(problems) }
  }
}
