import IsolationTestKit
import ModuleKit

/// The agents of the conformance suite as modules, assembled without a compiler.
enum SubjectModule {
  private static let (result, area, counter, text) = (2048, 3072, 3000, 4000)

  /// nil for a behaviour that modules do not have.
  static func bytes(_ behaviour: Behaviour) -> [UInt8]? {
    var builder = ModuleBuilder()
    switch behaviour {
    case .isMissing: return nil
    case .works: works(&builder, report: "")
    case .fails:
      builder.data(Array("no such thing".utf8), at: 1024)
      builder.agent(handle: fail(ModuleBuilder.constant(1024), ModuleBuilder.constant(13)))
    case .passesRefusalsOn:
      let control = builder.importFunction("openstarry:hal/actuators@0.1.0", "control", "iiiiIi>")
      builder.data(Array("valve".utf8), at: 1024)
      builder.data(Array(#""on""#.utf8), at: 1040)
      let ask =
        [1024, 5, 1040, 4].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.wide(1000)
        + ModuleBuilder.constant(area) + ModuleBuilder.call(control)
      builder.agent(handle: ask + fail(ModuleBuilder.load(area + 8), ModuleBuilder.load(area + 12)))
    case .keepsState:
      let set = builder.importFunction("openstarry:agent/state@0.1.0", "set", "iiiii>")
      let remove = builder.importFunction("openstarry:agent/state@0.1.0", "remove", "iii>")
      let get = builder.importFunction("openstarry:agent/state@0.1.0", "get", "iii>")
      builder.data(Array("n12old".utf8), at: 1024)
      let look = [1024, 1, area].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(get)
      func keep(_ place: Int) -> [UInt8] {
        [1024, 1, place, 1, area].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(set)
      }
      let isAbsent = ModuleBuilder.and(ModuleBuilder.load(area), ModuleBuilder.constant(0xFF))
      let drop = [1027, 3, area].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(remove)
      builder.agent(
        handle: look + ModuleBuilder.choose(isAbsent, keep(1025), keep(1026)) + drop + ModuleBuilder.constant(result))
    case .setsTimers:
      let set = builder.importFunction("openstarry:agent/timers@0.1.0", "set", "iiIii>")
      let cancel = builder.importFunction("openstarry:agent/timers@0.1.0", "cancel", "ii>")
      builder.data(Array("drypoll".utf8), at: 1024)
      func timer(_ place: Int, _ length: Int, _ milliseconds: Int64, _ repeats: Int) -> [UInt8] {
        [place, length].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.wide(milliseconds)
          + [repeats, area].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(set)
      }
      let stop = [1024, 3].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(cancel)
      builder.agent(
        handle: timer(1024, 3, 5000, 0) + timer(1027, 4, 30_000, 1) + stop + ModuleBuilder.constant(result))
    case .diesHandling: works(&builder, report: "", inEvent: ModuleBuilder.trap)
    case .spins: works(&builder, report: "", inEvent: ModuleBuilder.forever())
    case .diesReporting:
      // Takes longer than a slice, so that an event can arrive during the report.
      let step = ModuleBuilder.store(
        ModuleBuilder.add(ModuleBuilder.load(counter), ModuleBuilder.constant(-1)), at: counter)
      let compute = ModuleBuilder.while(ModuleBuilder.load(counter), step)
      let begin = ModuleBuilder.store(ModuleBuilder.constant(3_000_000), at: counter)
      works(&builder, report: nil, begin + compute + ModuleBuilder.trap)
    }
    return builder.bytes
  }

  private static func fail(_ pointer: [UInt8], _ length: [UInt8]) -> [UInt8] {
    ModuleBuilder.store(ModuleBuilder.constant(1), at: result) + ModuleBuilder.store(pointer, at: result + 4)
      + ModuleBuilder.store(length, at: result + 8) + ModuleBuilder.constant(result)
  }

  private static func works(
    _ builder: inout ModuleBuilder, report: String?, _ body: [UInt8] = [], inEvent: [UInt8] = []
  ) {
    let log = builder.importFunction("openstarry:agent/log@0.1.0", "write", "iii>")
    builder.data(Array("handled".utf8), at: 1024)
    builder.data(Array(#"{"n":1}"#.utf8), at: 1040)
    let say = [6, 1024, 7].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(log)
    builder.agent(handle: say + inEvent + ModuleBuilder.constant(result))
    let tell =
      ModuleBuilder.store(ModuleBuilder.constant(1040), at: text)
      + ModuleBuilder.store(ModuleBuilder.constant(7), at: text + 4) + ModuleBuilder.constant(text)
    builder.function(">i", export: "openstarry:agent/handler@0.1.0#snapshot", report == nil ? body : tell)
  }
}
