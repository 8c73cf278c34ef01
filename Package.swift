// swift-tools-version: 6.2
import PackageDescription

// For all Swift targets: strict memory safety, and warnings as errors.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
]

func header(_ name: String) -> Target { .systemLibrary(name: name, path: "Sources/C/\(name)") }

/// A module in `Sources/<group>/<name>`, or at `path`.
func module(
  _ name: String, in group: String = "", _ dependencies: [Target.Dependency], path: String? = nil,
  exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: path ?? "Sources/\(group)/\(name)", exclude: exclude,
    swiftSettings: strict)
}

func program(
  _ name: String, in group: String = "", _ dependencies: [Target.Dependency], path: String? = nil,
  exclude: [String] = []
) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: path ?? "Sources/\(group)/\(name)", exclude: exclude,
    swiftSettings: strict)
}

/// A module shared by several tests, in `Tests/<group>/<name>`.
func kit(_ name: String, in group: String = "Kits", _ dependencies: [Target.Dependency] = []) -> Target {
  module(name, dependencies, path: "Tests/\(group)/\(name)")
}

func tests(_ name: String, in group: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, path: "Tests/\(group)/\(name)", swiftSettings: strict)
}

let argumentParserProduct: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

// A target may depend only on targets of lower ranks. The check at the end of this file enforces it.
let ranks: [[Target]] = [
  // 0: headers of C libraries, and C that runs where Swift may not: in signal handlers.
  [
    header("CLinux"), header("CGPIOD"), header("CI2C"), header("CV4L2"), header("CJPEG"),
    header("CYAML"), header("CJSON"), header("CSQLite"), header("CWasmtime"), header("CArchive"), header("CSodium"),
    header("CCurl"),
    .target(name: "CCrash", path: "Sources/C/CCrash"),
  ],
  // 1: system calls, and what small companion processes share.
  [
    module("Linux", in: "Base", ["CLinux"]),
    module("Companion", in: "Base", ["CLinux"]),
    module("ServerSentEvents", in: "Base", []),
    module("Curl", in: "Base", ["CCurl"]),
  ],
  // 2: the vocabulary that agents and the daemon share, and the protocols of companion processes.
  [
    module("Guardian", in: "Guardian", ["CLinux", "Companion"]),
    module("Launcher", in: "Companions", ["Companion"]),
    module("Proxy", in: "Companions", ["Companion"]),
    module("LanguageModel", in: "Companions", ["Companion"]),
    module("Unpack", in: "Companions", []),
    module("OpenStarryAgent", ["Linux"], path: "SDK/OpenStarryAgent"),
    module("Cgroup", in: "Health", ["Linux"]),
    module("MCP", in: "Control", []),
  ],
  // 3: values, the examples' agents, and companion processes.
  [
    // .ci/companions builds smaller ones if the toolchain supports embedded Swift.
    program("openstarry-guardian", in: "Guardian", ["Companion", "Guardian", "CLinux"]),
    program("openstarry-launcher", in: "Companions", ["Companion", "Launcher", "CLinux"]),
    program("openstarry-proxy", in: "Companions", ["Companion", "Proxy", "CLinux"]),
    program("openstarry-unpack", in: "Companions", ["Companion", "Unpack", "CLinux", "CArchive"]),
    module("Model", in: "Base", ["OpenStarryAgent"]),
    module("ExampleAgents", ["OpenStarryAgent"], path: "Examples/Agents"),
    module("MindAgent", in: "Agents", ["Curl", "Linux", "MCP", "OpenStarryAgent", "ServerSentEvents"]),
  ],
  // 4: one subject each, with protocols for the ranks above.
  [
    program("openstarry-mind", in: "Agents", ["MindAgent", "OpenStarryAgent"]),
    module("Document", in: "Base", ["Model", "CYAML", "CJSON"]),
    module("EventLoop", in: "Base", ["Model", "Linux", "CLinux"]),
    module("ChatCompletion", in: "Companions", ["Model", "OpenStarryAgent", "LanguageModel", "ServerSentEvents"]),
    module("Wire", in: "Control", ["Model", "Linux", "CLinux", "Companion"]),
    module("CEL", in: "Rules", ["Model"]),
    module("HAL", in: "Hardware", ["Model", "Guardian"]),
    module("Agent", in: "Agents", ["Model", "Linux"]),
    module("Footprint", in: "Health", ["Model", "Linux", "CLinux"]),
    module("Systemd", in: "Daemon", ["Model", "Linux", "CLinux"]),
    module("Doctor", in: "Tools", ["Model", "Linux"]),
  ],
  // 5: implementations of the protocols of rank 4, storage, and transport.
  [
    module("Chips", in: "Hardware", ["Model", "HAL"]),
    module("Rules", in: "Rules", ["Model", "CEL"]),
    module("Store", in: "State", ["Model", "Document", "Linux", "CSQLite"]),
    program(
      "openstarry-model", in: "Companions",
      ["Companion", "LanguageModel", "ChatCompletion", "Model", "Linux", "CLinux", "CCurl", "Curl"]),
    module("CompanionClient", in: "Companions", ["Model", "Linux", "EventLoop", "Companion", "Wire"]),
    module("Watchdog", in: "Health", ["Model", "Agent"]),
    module("Journal", in: "Daemon", ["Model", "Linux", "CLinux", "Agent"]),
    module("HALSimulated", in: "Hardware", ["Model", "HAL"]),
    module("AgentInProcess", in: "Agents", ["Model", "OpenStarryAgent", "Agent", "Linux"]),
    module("Plugins", in: "Agents", ["Model", "Document", "Linux", "Agent"]),
  ],
  // 6: the RPC protocol, clients of companion processes, and the projection, which is the source of every view.
  [
    module(
      "LauncherClient", in: "Companions", ["Model", "Linux", "CLinux", "EventLoop", "Launcher", "CompanionClient"]),
    module("ProxyClient", in: "Companions", ["Model", "Linux", "EventLoop", "Proxy", "CompanionClient"]),
    module(
      "LanguageModelClient", in: "Companions",
      ["Model", "Linux", "EventLoop", "Wire", "LanguageModel", "CompanionClient"]),
    module("RPC", in: "Control", ["Model", "Document", "Linux", "EventLoop", "Wire"]),
    module(
      "AgentWASM", in: "Agents",
      ["Model", "Document", "Linux", "CLinux", "EventLoop", "Agent", "Plugins", "CWasmtime"], exclude: ["wit"]),
    module("Projection", in: "State", ["Model", "HAL", "Agent", "Rules"]),
    module("Tokens", in: "State", ["Model", "Document", "Linux", "EventLoop", "Store"]),
  ],
  // 7: the parts of the daemon.
  [
    module("Config", in: "Daemon", ["Model", "Document", "Linux", "Chips", "Agent", "Plugins", "Proxy"]),
    module(
      "HALLinux", in: "Hardware",
      ["Model", "Linux", "CLinux", "EventLoop", "HAL", "Chips", "Guardian", "CGPIOD", "CI2C", "CV4L2", "CJPEG"]),
    module(
      "AgentProcess", in: "Agents",
      [
        "Model", "OpenStarryAgent", "Linux", "EventLoop", "Agent", "Plugins", "Wire", "RPC", "Launcher",
        "LauncherClient", "Proxy", "ProxyClient",
      ]),
    module(
      "Orchestrator", in: "Agents",
      ["Model", "Document", "Linux", "CLinux", "EventLoop", "HAL", "Agent", "Rules", "Store", "Tokens", "Watchdog"]),
    module(
      "Gateway", in: "Agents",
      ["Model", "OpenStarryAgent", "Agent", "LanguageModel", "LanguageModelClient", "ChatCompletion", "Tokens"]),
    module(
      "Control", in: "Control",
      ["Model", "Document", "Linux", "EventLoop", "HAL", "Agent", "Rules", "Wire", "RPC", "Projection"]),
    module("MCPServer", in: "Control", ["Model", "OpenStarryAgent", "Document", "RPC", "MCP"]),
    module("ControlClient", in: "Control", ["Model", "Document", "Linux", "EventLoop", "Wire", "RPC"]),
    module("GuardianClient", in: "Guardian", ["Model", "Linux", "CLinux", "EventLoop", "HAL", "Guardian", "Wire"]),
    module(
      "Crash", in: "Health", ["Model", "Agent", "Document", "Linux", "CLinux", "EventLoop", "Watchdog", "CCrash"]),
  ],
  // 8: vitals, which keep the daemon healthy, and all isolations.
  [
    module(
      "Isolations", in: "Agents",
      [
        "Model", "EventLoop", "LauncherClient", "Agent", "Plugins", "AgentInProcess", "AgentProcess", "AgentWASM",
      ]),
    module(
      "PluginInstallation", in: "Tools",
      ["Model", "OpenStarryAgent", "Document", "Linux", "Companion", "Unpack", "Plugins", "Config", "CSodium"]),
    module(
      "Vitals", in: "Health",
      [
        "Model", "Linux", "CLinux", "EventLoop", "HAL", "Agent", "Store", "Watchdog", "Cgroup", "Crash", "Footprint",
        "Systemd", "Journal", "Orchestrator",
      ]),
  ],
  // 9: the parts together as the daemon, and the trial of one agent on a simulated board.
  [
    module(
      "AgentTrial", in: "Agents",
      [
        "Model", "Linux", "EventLoop", "HAL", "HALLinux", "HALSimulated", "Agent", "Isolations", "Orchestrator",
      ]),
    module(
      "RuleTrial", in: "Rules",
      [
        "Model", "OpenStarryAgent", "Document", "Linux", "EventLoop", "HAL", "HALSimulated", "Agent", "AgentInProcess",
        "Rules", "Store", "Orchestrator",
      ]),
    module(
      "Daemon", in: "Daemon",
      [
        "Model", "OpenStarryAgent", "Document", "Linux", "CLinux", "EventLoop", "HAL", "Agent", "Rules", "Config",
        "Store", "HALLinux", "HALSimulated", "GuardianClient", "LauncherClient", "AgentProcess", "AgentWASM",
        "Isolations", "Plugins", "Orchestrator", "Projection", "Gateway", "LanguageModelClient", "Tokens",
        "Control", "Systemd", "Journal", "Footprint", "Vitals", "Cgroup",
      ]),
  ],
  // 10, 11: programs.
  [
    program("openstarryd", in: "Daemon", ["Daemon", "ExampleAgents"]),
    module(
      "CommandLine", in: "Tools",
      [
        "Model", "Document", "Linux", "EventLoop", "Wire", "RPC", "MCPServer", "Config", "CEL", "Rules",
        "ControlClient",
        "Agent", "Isolations",
        "AgentTrial", "RuleTrial", "Footprint", "Plugins", "PluginInstallation", "Doctor", argumentParserProduct,
      ]),
  ],
  [program("openstarry", in: "Tools", ["CommandLine", "AgentWASM"])],
]

let benchmarks: [Target] = [
  program(
    "bench",
    [
      "TestKit", "GuardianTestKit", "GuardianClient",
      "CLinux", "Linux", "Model", "OpenStarryAgent", "EventLoop", "HAL", "HALSimulated", "Agent", "AgentInProcess",
      "Footprint", "AgentProcess", "LauncherClient", "Plugins", "AgentWASM", "BenchmarkAgents", "Daemon", "Document",
      "Wire", "Rules",
      "Orchestrator", "Crash",
      "Cgroup", "Store", "Tokens",
    ], path: "Benchmarks/Bench"),
  program("workload-program", ["BenchmarkAgents", "OpenStarryAgent"], path: "Benchmarks/WorkloadProgram"),
  // For .ci/order: traces the functions that run at rest and at work.
  .systemLibrary(name: "CTrace", path: "Benchmarks/CTrace"),
  program("function-trace", ["Linux", "CTrace"], path: "Benchmarks/FunctionTrace"),
  module(
    "BenchmarkAgents", ["OpenStarryAgent"], path: "Benchmarks/Guests/workload", exclude: ["main.swift", "agent.json"]),
]

// Tests depend on the programs that they start, so that the programs are built.
let allTests: [Target] = [
  kit("TestKit", ["Linux"]),
  kit("ModuleKit"),
  kit("SchemaKit", ["Model"]),
  // The conformance suite of isolations.
  kit("IsolationTestKit", ["Model", "Agent"]),
  kit("EventLoopTestKit", ["EventLoop", "Model"]),
  kit("ConformanceAgents", ["OpenStarryAgent"]),
  kit("AgentSocketKit", ["Linux", "CLinux", "OpenStarryAgent"]),
  kit("ModelServerKit", ["TestKit", "Linux", "OpenStarryAgent"]),
  kit(
    "ProcessTestKit",
    [
      "TestKit", "Model", "Linux", "EventLoop", "EventLoopTestKit", "Wire", "Agent", "Plugins", "AgentProcess",
      "Launcher", "LauncherClient", "ProxyClient",
    ]),
  program("conformance-agent", ["ConformanceAgents", "OpenStarryAgent"], path: "Tests/Agents/ConformanceAgent"),
  kit("HALTestKit", ["Model", "HAL", "HALSimulated"]),
  kit(
    "GuardianTestKit",
    [
      "TestKit", "Model", "Linux", "CLinux", "EventLoop", "HAL", "HALLinux", "GuardianClient", "Config",
      "Orchestrator",
    ]),
  kit("ChipKit", ["Chips", "HAL", "Model"]),
  kit("RuleTestKit", ["Rules", "Model"]),
  kit(
    "KernelTestKit",
    [
      "Model", "OpenStarryAgent", "Linux", "CLinux", "CGPIOD", "CV4L2", "CJPEG", "EventLoop", "HAL", "HALLinux",
      "HALSimulated", "Agent", "AgentInProcess", "Rules", "Config", "Orchestrator",
    ]),

  tests("ModelTests", in: "Base", ["TestKit", "Linux", "Model", "OpenStarryAgent"]),
  tests("LinuxTests", in: "Base", ["TestKit", "Linux"]),
  tests("EventLoopTests", in: "Base", ["TestKit", "EventLoop", "Linux", "CLinux", "Model"]),
  tests("DocumentTests", in: "Base", ["TestKit", "Document", "Model"]),

  tests("HALTests", in: "Hardware", ["TestKit", "Model", "Guardian", "HAL", "HALSimulated", "HALTestKit"]),
  tests(
    "HALSimulatedTests", in: "Hardware", ["TestKit", "Model", "Linux", "Config", "HAL", "HALSimulated", "HALTestKit"]),
  tests(
    "HALLinuxTests", in: "Hardware",
    ["TestKit", "ChipKit", "Chips", "HALLinux", "Model", "Config", "Guardian", "Linux", "EventLoop", "HAL", "CGPIOD"]),
  tests("ChipsTests", in: "Hardware", ["ChipKit", "Chips", "HAL", "Model"]),

  program("guardian-ward", ["GuardianTestKit"], path: "Tests/Guardian/GuardianWard"),
  tests(
    "GuardianTests", in: "Guardian",
    [
      "TestKit", "Guardian", "GuardianClient", "GuardianTestKit", "guardian-ward", "openstarry-guardian", "Linux",
      "CLinux", "Wire",
    ]),

  tests("AgentTests", in: "Agents", ["TestKit", "Agent", "Model"]),
  tests("AgentInProcessTests", in: "Agents", ["AgentInProcess", "Agent", "Model", "OpenStarryAgent"]),
  tests(
    "IsolationTests", in: "Agents",
    [
      "IsolationTestKit", "EventLoopTestKit", "ConformanceAgents", "ProcessTestKit", "ModuleKit", "TestKit",
      "AgentInProcess",
      "AgentProcess", "AgentWASM", "conformance-agent", "openstarry-launcher", "wasm-compiler", "Agent", "EventLoop",
      "LauncherClient", "HAL", "HALSimulated", "Linux", "Model", "OpenStarryAgent", "Orchestrator",
    ]),
  tests(
    "AgentProcessTests", in: "Agents",
    [
      "ProcessTestKit", "TestKit", "AgentProcess", "openstarry-launcher", "openstarry-proxy", "LauncherClient",
      "Launcher", "Agent", "Plugins", "EventLoop", "Linux", "Model", "OpenStarryAgent", "Wire",
    ]),
  tests(
    "LauncherTests", in: "Companions", ["TestKit", "Launcher", "Companion", "openstarry-launcher", "Linux"]),
  tests("ProxyTests", in: "Companions", ["TestKit", "Proxy", "openstarry-proxy", "Linux"]),
  tests(
    "LanguageModelTests", in: "Companions",
    [
      "TestKit", "EventLoopTestKit", "ModelServerKit", "Companion", "Wire", "LanguageModel", "LanguageModelClient",
      "ChatCompletion", "openstarry-model", "OpenStarryAgent", "EventLoop", "Linux", "Model", "ServerSentEvents",
    ]),
  // The process in which tests compile modules.
  program(
    "wasm-compiler", ["AgentWASM", "Agent", "EventLoop", "Linux", "Model"], path: "Tests/Agents/WASMCompiler"),
  tests(
    "AgentWASMTests", in: "Agents",
    ["ModuleKit", "TestKit", "AgentWASM", "wasm-compiler", "Agent", "Document", "EventLoop", "Linux", "Model"]),
  tests(
    "MindTests", in: "Agents",
    [
      "AgentSocketKit", "ProcessTestKit", "TestKit", "AgentProcess", "Agent", "MindAgent", "openstarry-mind",
      "openstarry-launcher", "CLinux", "Linux", "MCP", "Model", "OpenStarryAgent",
    ]),
  tests("AgentTrialTests", in: "Agents", ["AgentTrial", "AgentInProcess", "Agent", "HAL", "Model", "OpenStarryAgent"]),
  tests(
    "GatewayTests", in: "Agents",
    [
      "TestKit", "Gateway", "Agent", "LanguageModel", "LanguageModelClient", "Model", "OpenStarryAgent", "Tokens",
    ]),
  tests(
    "OrchestratorTests", in: "Agents",
    [
      "TestKit", "Orchestrator", "Agent", "AgentInProcess", "HAL", "HALSimulated", "HALTestKit", "Rules", "Store",
      "EventLoop", "Linux", "Model", "OpenStarryAgent", "Watchdog", "Projection", "ExampleAgents", "thermostat",
      "RuleTrial",
    ]),
  tests("RuleTrialTests", in: "Rules", ["RuleTrial", "TestKit", "Config", "Rules", "HAL", "Model"]),
  tests("ExampleAgentTests", in: "Agents", ["ExampleAgents", "OpenStarryAgent"]),
  // One source for three isolations: linked into the tests, started as a program, and built as a module by SDK/build.
  program("thermostat", ["OpenStarryAgent"], path: "Examples/wasm/thermostat", exclude: ["agent.json"]),
  tests(
    "SDKTests", in: "Agents",
    [
      "AgentSocketKit", "TestKit", "OpenStarryAgent", "thermostat", "AgentWASM", "wasm-compiler", "Agent", "CLinux",
      "Document", "EventLoop", "Linux", "Model",
    ]),

  tests("CELTests", in: "Rules", ["TestKit", "CEL", "Model"]),
  tests("RulesTests", in: "Rules", ["Rules", "CEL", "Model"]),

  tests(
    "ProjectionTests", in: "State",
    ["Projection", "Agent", "HAL", "HALSimulated", "HALTestKit", "RuleTestKit", "Rules", "Model"]),
  tests("StoreTests", in: "State", ["TestKit", "Store", "Model", "Linux"]),
  tests(
    "TokensTests", in: "State", ["TestKit", "EventLoopTestKit", "Tokens", "Store", "Model", "Linux", "EventLoop"]),

  tests("WireTests", in: "Control", ["TestKit", "Wire", "RPC", "Linux", "Model"]),
  tests("RPCTests", in: "Control", ["TestKit", "RPC", "Wire", "EventLoop", "Linux", "Document", "Model"]),
  tests(
    "MCPServerTests", in: "Control",
    ["TestKit", "MCP", "MCPServer", "Control", "RPC", "Document", "Linux", "OpenStarryAgent", "Model"]),
  tests(
    "ControlTests", in: "Control",
    [
      "TestKit", "Control", "ControlClient", "Projection", "RPC", "Wire", "Document", "Linux", "EventLoop", "HAL",
      "HALSimulated", "Agent", "RuleTestKit", "Rules", "Model",
    ]),

  tests("WatchdogTests", in: "Health", ["TestKit", "Watchdog", "Agent", "Model"]),
  tests(
    "CrashTests", in: "Health", ["TestKit", "Crash", "Watchdog", "Agent", "EventLoop", "Linux", "CLinux", "Model"]),
  tests("CgroupTests", in: "Health", ["Cgroup", "Linux", "TestKit"]),
  tests("FootprintTests", in: "Health", ["Footprint"]),
  tests(
    "VitalsTests", in: "Health",
    [
      "TestKit", "Vitals", "Orchestrator", "Agent", "AgentInProcess", "HAL", "HALSimulated", "OpenStarryAgent",
      "EventLoop", "Journal", "Linux", "Model", "Store", "Watchdog",
    ]),

  tests(
    "ConfigTests", in: "Daemon",
    ["TestKit", "SchemaKit", "Config", "Chips", "Document", "Isolations", "Linux", "Model", "Plugins"]),
  tests("JournalTests", in: "Daemon", ["Journal", "Model"]),
  tests(
    "DaemonTests", in: "Daemon",
    [
      "TestKit", "Daemon", "Systemd", "Journal", "Orchestrator", "Control", "OpenStarryAgent", "EventLoop", "Linux",
      "Model",
    ]),
  program("hostile-firmware", ["Daemon", "OpenStarryAgent"], path: "Tests/Daemon/HostileFirmware"),
  tests(
    "BlackBoxTests", in: "Daemon",
    [
      "TestKit", "ModuleKit", "openstarryd", "openstarry", "openstarry-guardian", "openstarry-launcher",
      "openstarry-unpack", "openstarry-model", "openstarry-mind", "hostile-firmware", "guardian-ward",
      "GuardianTestKit", "ModelServerKit", "ProcessTestKit", "Store", "Document", "Linux", "CLinux", "Model",
    ]),

  tests("PluginsTests", in: "Agents", ["TestKit", "Plugins", "Agent", "Linux", "Model"]),
  tests(
    "PluginInstallationTests", in: "Tools",
    ["TestKit", "PluginInstallation", "openstarry-unpack", "Plugins", "Agent", "Config", "Linux", "Model"]),
  tests("DoctorTests", in: "Tools", ["TestKit", "Doctor", "Linux", "Model"]),
  tests(
    "CommandLineTests", in: "Tools",
    [
      "TestKit", "SchemaKit", "CommandLine", "Doctor", "AgentTrial", "Config", "ControlClient", "Document", "Linux",
      "Model", "Wire", "RPC",
      argumentParserProduct,
    ]),

  // make vm-test: tests on devices of a real kernel.
  program(
    "kernel-ring",
    [
      "KernelTestKit", "GuardianTestKit", "GuardianClient", "Model", "OpenStarryAgent", "Linux", "CLinux", "HAL",
      "Chips", "HALLinux", "Config", "Orchestrator",
    ], path: "Tests/Testbed/KernelRing"),

  // make faults: seeded runs of the daemon's parts with injected faults.
  .target(name: "CFaults", path: "Tests/Faults/CFaults"),
  kit(
    "FaultKit", in: "Faults",
    [
      "Model", "Linux", "EventLoop", "Guardian", "CCrash", "Crash", "HAL", "HALSimulated", "Agent", "AgentWASM",
      "Rules", "Store", "Orchestrator", "ModuleKit",
    ]),
  program(
    "fault-campaign", ["FaultKit", "CFaults", "AgentWASM", "Linux", "Model"], path: "Tests/Faults/FaultCampaign"),
  tests(
    "FaultKitTests", in: "Faults", ["FaultKit", "wasm-compiler", "TestKit", "Agent", "AgentWASM", "Linux", "Model"]),

  // make fuzz: generated and damaged input for every interface that accepts untrusted input.
  .target(name: "CFuzz", path: "Tests/Fuzzing/CFuzz"),
  kit(
    "FuzzKit", in: "Fuzzing",
    [
      "CFuzz", "TestKit", "GuardianTestKit", "ModuleKit", "Model", "OpenStarryAgent", "Linux", "CLinux", "Document",
      "CEL", "Guardian", "EventLoop", "HAL", "HALSimulated", "Agent", "AgentInProcess", "AgentProcess", "AgentWASM",
      "Isolations",
      "Launcher", "Proxy", "LanguageModel", "ChatCompletion", "Rules", "Wire", "RPC", "MCPServer", "Config", "Store",
      "Orchestrator",
      "Projection", "Control", "Plugins", "PluginInstallation",
    ]),
  program(
    "fuzz", ["FuzzKit", "CFuzz", "TestKit", "AgentWASM", "OpenStarryAgent", "Linux", "Model"],
    path: "Tests/Fuzzing/Fuzz", exclude: ["Corpus"]),
  tests("FuzzTests", in: "Fuzzing", ["FuzzKit", "fuzz", "openstarry-guardian", "TestKit", "Linux", "Model"]),
]

// From its repository, or from a local folder on a machine without access to it.
let argumentParser: Package.Dependency =
  if let folder = Context.environment["OPENSTARRY_ARGUMENT_PARSER"], !folder.isEmpty {
    .package(path: folder)
  } else {
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  }

let package = Package(
  name: "openstarryd",
  products: [
    .executable(name: "openstarryd", targets: ["openstarryd"]),
    .executable(name: "openstarry", targets: ["openstarry"]),
    .executable(name: "openstarry-guardian", targets: ["openstarry-guardian"]),
    .library(name: "OpenStarryAgent", targets: ["OpenStarryAgent"]),
    .library(name: "Daemon", targets: ["Daemon"]),
  ],
  dependencies: [argumentParser],
  targets: ranks.flatMap { $0 } + benchmarks + allTests,
  swiftLanguageModes: [.v6]
)

var above: Set<String> = []
for (rank, targets) in ranks.enumerated() {
  for target in targets {
    for case .byNameItem(let name, _) in target.dependencies where !above.contains(name) {
      fatalError("\(target.name), of rank \(rank), may not depend on \(name), whose rank is not lower")
    }
  }
  above.formUnion(targets.map(\.name))
}
