import CEL
import Testing

/// Evaluates `text` with these variables.
func value(_ text: String, _ variables: [String: CELValue] = [:]) throws(CELError) -> CELValue {
  try CELProgram(text).evaluate(CELVariables(variables))
}

/// Expects the value of an expression, of the same type.
func expect(
  _ text: String, _ wanted: CELValue, _ variables: [String: CELValue] = [:],
  at location: SourceLocation = #_sourceLocation
) {
  do throws(CELError) {
    let found = try value(text, variables)
    #expect(found == wanted && found.type == wanted.type, "\(text) gives \(found)", sourceLocation: location)
  } catch {
    Issue.record("\(text) fails: \(error) at \(error.offset)", sourceLocation: location)
  }
}

/// Expects an error at load.
func expectRefused(
  _ text: String, offset: Int? = nil, saying part: String = "", at location: SourceLocation = #_sourceLocation
) {
  do throws(CELError) {
    _ = try CELProgram(text)
    Issue.record("\(text) loads", sourceLocation: location)
  } catch {
    #expect(error.kind == .syntax || error.kind == .type, "\(text): \(error.kind)", sourceLocation: location)
    #expect(error.message.contains(part), "\(text): \(error.message)", sourceLocation: location)
    if let offset { #expect(error.offset == offset, "\(text): \(error.message)", sourceLocation: location) }
  }
}

/// Expects an expression to load, and its evaluation to fail.
func expectFailure(
  _ text: String, _ variables: [String: CELValue] = [:], kind: CELError.Kind = .evaluation, saying part: String = "",
  at location: SourceLocation = #_sourceLocation
) {
  let program: CELProgram
  do throws(CELError) { program = try CELProgram(text) } catch {
    Issue.record("\(text) does not load: \(error)", sourceLocation: location)
    return
  }
  do throws(CELError) {
    let found = try program.evaluate(CELVariables(variables))
    Issue.record("\(text) gives \(found)", sourceLocation: location)
  } catch {
    #expect(error.kind == kind, "\(text): \(error.message)", sourceLocation: location)
    #expect(error.message.contains(part), "\(text): \(error.message)", sourceLocation: location)
  }
}
