import ModuleKit

/// The modules of the WASM agents, assembled without a compiler: one behaves, the others misbehave.
enum GuestModules {
  /// The modules by file name.
  static let all: [(name: String, module: [UInt8])] = [
    ("gauge", gauge), ("spinner", agent(ModuleBuilder.forever())), ("hoarder", agent(grow)),
    ("thrower", agent(ModuleBuilder.trap)), ("shouter", shouter),
  ]

  private static let counter = 3000
  private static let area = 3072

  /// A module whose handler runs `body` and returns success.
  private static func agent(_ body: [UInt8], _ builder: ModuleBuilder = ModuleBuilder()) -> [UInt8] {
    var builder = builder
    builder.agent(handle: body + ModuleBuilder.constant(2048))
    return builder.bytes
  }

  /// Grows its memory to the limit.
  private static var grow: [UInt8] {
    ModuleBuilder.while(ModuleBuilder.differs(ModuleBuilder.grow, ModuleBuilder.constant(-1)), [])
  }

  private static func count(_ change: Int) -> [UInt8] {
    ModuleBuilder.store(
      ModuleBuilder.add(ModuleBuilder.load(counter), ModuleBuilder.constant(change)), at: counter)
  }

  /// Switches the pump on and off with alternate events.
  private static var gauge: [UInt8] {
    var builder = ModuleBuilder()
    let control = builder.importFunction("openstarry:hal/actuators@0.1.0", "control", "iiiiIi>")
    builder.data(Array("pump".utf8), at: 1024)
    builder.data(Array(#""on""#.utf8), at: 1040)
    builder.data(Array(#""off""#.utf8), at: 1056)
    func tell(_ place: Int, _ length: Int) -> [UInt8] {
      [1024, 4, place, length].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.wide(1500)
        + ModuleBuilder.constant(area) + ModuleBuilder.call(control)
    }
    let isOdd = ModuleBuilder.and(ModuleBuilder.load(counter), ModuleBuilder.constant(1))
    return agent(count(1) + ModuleBuilder.choose(isOdd, tell(1040, 4), tell(1056, 5)), builder)
  }

  /// Emits three hundred events.
  private static var shouter: [UInt8] {
    var builder = ModuleBuilder()
    let emit = builder.importFunction("openstarry:agent/events@0.1.0", "emit", "iiiii>")
    builder.data(Array("work:storm".utf8), at: 1024)
    let once = [1024, 10, 0, 0, area].flatMap { ModuleBuilder.constant($0) } + ModuleBuilder.call(emit) + count(-1)
    let begin = ModuleBuilder.store(ModuleBuilder.constant(300), at: counter)
    return agent(begin + ModuleBuilder.while(ModuleBuilder.load(counter), once), builder)
  }
}
