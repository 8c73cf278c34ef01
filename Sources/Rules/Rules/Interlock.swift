import CEL
import Model

/// `only_while` of an output: the condition under which it may be away from its safe state, for everybody.
package struct Interlock: Sendable {
  /// The output.
  package let device: DeviceID
  let program: CELProgram

  /// The devices that its condition names.
  package var devices: [DeviceID] {
    RuleCompiler.subjects(of: program).compactMap { if case .device(let id) = $0 { id } else { nil } }
  }

  /// Compiles the interlocks of a board.
  /// - Parameter complaint: the error for a name that a condition passes to a function such as `sensor`; nil when the name
  ///   is valid or cannot be checked.
  /// - Throws: all errors, also of interlocks that depend on each other.
  package static func compile(
    _ board: Board, complaint: @escaping (_ function: String, _ name: String) -> String? = { _, _ in nil }
  ) throws(Diagnostics) -> [Interlock] {
    var problems: [Diagnostic] = []
    var interlocks: [Interlock] = []
    for device in board.devices {
      guard case .actuator(let settings) = device.kind, let condition = settings.onlyWhile else { continue }
      var compiler = RuleCompiler(condition.location, types: RuleTypes()) { function, name in
        switch function {
        case "vars": "variables belong to rules, and do not bind an output"
        case "report", "state", "agent": "agents do not bind an output: it takes sensors, inputs, outputs and the time"
        default: complaint(function, name)
        }
      }
      let program = compiler.condition(condition, isForeseeable: true)
      problems += compiler.problems
      if let program, compiler.problems.isEmpty { interlocks.append(Interlock(device: device.id, program: program)) }
    }
    for circle in circles(interlocks) {
      guard case .actuator(let settings)? = board.device(circle)?.kind, let place = settings.onlyWhile?.location else {
        continue
      }
      problems.append(
        Diagnostic(
          place, "'only_while' of '\(circle)' depends on itself, expected conditions that do not form a circle"))
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return interlocks
  }

  /// The outputs whose interlock names, directly or through others, the output itself.
  private static func circles(_ interlocks: [Interlock]) -> [DeviceID] {
    let named = Dictionary(
      interlocks.map { interlock in
        let names = interlock.program.hostCalls.filter { $0.function == "device" }.compactMap(\.text)
        return (interlock.device, Set(names.map { DeviceID($0) }))
      }, uniquingKeysWith: { first, _ in first })
    return interlocks.map(\.device).filter { device in
      var seen: Set<DeviceID> = []
      var next = Array(named[device] ?? [])
      while let one = next.popLast() {
        if one == device { return true }
        if seen.insert(one).inserted { next += named[one] ?? [] }
      }
      return false
    }
  }
}

extension RuleEngine {
  /// Watches the conditions of interlocks, before all rules.
  /// - Parameter onChange: called with the result of each look: at once for the first, which may be unknown.
  package func watch(
    _ interlocks: [Interlock], onChange: @escaping (DeviceID, Truth, _ change: RuleSubject?) -> Void
  ) {
    inTurn {
      for interlock in interlocks {
        let watch = RuleWatch(RuleCompiler.subjects(of: interlock.program), rank: -1) { _ in }
        watch.look = { [weak self, unowned watch] change in
          guard let self else { return }
          scope.event = RuleScope.noEvent
          scope.startNoting()
          let truth = truth(interlock.program)
          wake(watch, after: scope.nextChange)
          onChange(interlock.device, truth, change)
        }
        watches.add(watch)
        interlockWatches.append(watch)
        watch.look(nil)
      }
    }
  }
}
