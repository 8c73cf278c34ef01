/// A test found something that is not as it must be.
public struct Failure: Error, CustomStringConvertible {
  /// What was expected and what was found.
  public let description: String

  /// Says what is wrong, and where the test says so.
  public init(_ what: String, file: String = #fileID, line: Int = #line) {
    description = "\(what) (\(file.split(separator: "/").last ?? ""):\(line))"
  }
}

/// A test cannot run here: a device that it needs is missing.
public struct Skip: Error {
  /// What is missing, for people.
  public let reason: String

  /// Says what is missing.
  public init(_ reason: String) { self.reason = reason }
}

/// Throws unless `condition` holds.
public func expect(
  _ condition: Bool, _ what: @autoclosure () -> String, file: String = #fileID, line: Int = #line
) throws {
  if !condition { throw Failure(what(), file: file, line: line) }
}

/// Throws unless the two are equal; the message has both.
public func expect<Compared: Equatable>(
  _ found: Compared, is wanted: Compared, _ what: @autoclosure () -> String, file: String = #fileID, line: Int = #line
) throws {
  if found != wanted { throw Failure("\(what()): \(found), expected \(wanted)", file: file, line: line) }
}

/// Throws unless two numbers are within `tolerance` of each other.
public func expect(
  _ found: Double, near wanted: Double, within tolerance: Double, _ what: @autoclosure () -> String,
  file: String = #fileID, line: Int = #line
) throws {
  guard abs(found - wanted) <= tolerance else {
    throw Failure("\(what()): \(found), expected \(wanted) ± \(tolerance)", file: file, line: line)
  }
}
