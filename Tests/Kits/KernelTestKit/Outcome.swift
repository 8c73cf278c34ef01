/// A failed expectation of a test.
package struct Failure: Error, CustomStringConvertible {
  /// The expectation, the actual value and the location in the test.
  package let description: String

  /// A failure at the location of the caller.
  package init(_ what: String, file: String = #fileID, line: Int = #line) {
    description = "\(what) (\(file.split(separator: "/").last ?? ""):\(line))"
  }
}

/// Thrown by a test that cannot run here, because a device that it needs is missing.
package struct Skip: Error {
  /// The missing device, as a sentence.
  package let reason: String

  /// Skips the test for this reason.
  package init(_ reason: String) { self.reason = reason }
}

/// Throws unless `condition` holds.
package func expect(
  _ condition: Bool, _ what: @autoclosure () -> String, file: String = #fileID, line: Int = #line
) throws {
  if !condition { throw Failure(what(), file: file, line: line) }
}

/// Throws unless the two values are equal; the message has both.
package func expect<Compared: Equatable>(
  _ found: Compared, is wanted: Compared, _ what: @autoclosure () -> String, file: String = #fileID, line: Int = #line
) throws {
  if found != wanted { throw Failure("\(what()): \(found), expected \(wanted)", file: file, line: line) }
}

/// Throws unless two numbers are within `tolerance` of each other.
package func expect(
  _ found: Double, near wanted: Double, within tolerance: Double, _ what: @autoclosure () -> String,
  file: String = #fileID, line: Int = #line
) throws {
  guard abs(found - wanted) <= tolerance else {
    throw Failure("\(what()): \(found), expected \(wanted) ± \(tolerance)", file: file, line: line)
  }
}
