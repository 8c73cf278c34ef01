// swift-tools-version: 6.2
import PackageDescription

// Every target of ours: Swift 6 mode, strict memory safety, warnings are errors.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func header(_ name: String) -> Target { .systemLibrary(name: name) }

let package = Package(
  name: "openstarryd",
  products: [
    .executable(name: "openstarryd", targets: ["openstarryd"]),
    .executable(name: "openstarry", targets: ["openstarry"]),
    .executable(name: "openstarry-guardian", targets: ["openstarry-guardian"]),
    .library(name: "OpenStarryAgent", targets: ["OpenStarryAgent"]),
    .library(name: "Daemon", targets: ["Daemon"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    // L0: C headers.
    header("CLinux"), header("CGPIOD"), header("CI2C"), header("CV4L2"), header("CJPEG"),
    header("CYAML"), header("CJSON"), header("CSQLite"), header("CWasmtime"),

    // C that runs where Swift may not: in signal handlers.
    .target(name: "CCrash"),

    // SDK: the vocabulary agents and the daemon share.
    module("OpenStarryAgent", ["Linux"]),

    // L1: values, system calls, text.
    module("Model", ["OpenStarryAgent"]),
    module("Linux", ["CLinux"]),
    module("Document", ["Model", "CYAML", "CJSON"]),
    module("CEL", ["Model"]),
    module("Guardian", ["CLinux"]),

    // L2
    module("EventLoop", ["Model", "Linux", "CLinux"]),
    module("HAL", ["Model", "Guardian"]),
    module("Agent", ["Model"]),
    module("Rules", ["Model", "CEL"]),
    module("Wire", ["Model", "Document", "Linux", "CLinux"]),
    module("Config", ["Model", "Document"]),
    module("Store", ["Model", "Document", "Linux", "CSQLite"]),
    module("Cgroup", ["Linux"]),
    module("Watchdog", ["Model", "Agent"]),
    module("Crash", ["Model", "Agent", "Document", "Linux", "CLinux", "EventLoop", "Watchdog", "CCrash"]),

    // L3
    module(
      "HALLinux", ["Model", "Linux", "CLinux", "EventLoop", "HAL", "Guardian", "CGPIOD", "CI2C", "CV4L2", "CJPEG"]),
    module("HALSimulated", ["Model", "HAL"]),
    module("AgentInProcess", ["Model", "OpenStarryAgent", "Agent", "Linux"]),
    module(
      "Orchestrator",
      ["Model", "Document", "Linux", "CLinux", "EventLoop", "HAL", "Agent", "Rules", "Store", "Watchdog"]),
    module("Control", ["Model", "Document", "Linux", "EventLoop", "HAL", "Agent", "Rules", "Wire"]),
    module("ControlClient", ["Model", "Document", "Linux", "Wire"]),
    module("AgentWASM", ["Model", "Document", "Linux", "CLinux", "EventLoop", "Agent", "CWasmtime"], exclude: ["wit"]),

    // One agent against a simulated board, without a daemon.
    module(
      "AgentTrial",
      [
        "Model", "Linux", "EventLoop", "HAL", "HALLinux", "HALSimulated", "Agent", "AgentWASM", "Orchestrator",
      ]),
    module("GuardianClient", ["Model", "Linux", "CLinux", "EventLoop", "HAL", "Guardian", "Wire"]),
    // The companion of the daemon; .ci/guardian builds it smaller where it can.
    .executableTarget(name: "openstarry-guardian", dependencies: ["Guardian", "CLinux"], swiftSettings: strict),

    // L4, L5
    module(
      "Daemon",
      [
        "Model", "OpenStarryAgent", "Document", "Linux", "EventLoop", "HAL", "Agent", "Rules", "Config", "Store",
        "HALLinux", "HALSimulated", "GuardianClient", "Watchdog", "Cgroup", "Crash", "AgentInProcess",
        "AgentWASM", "Orchestrator", "Control",
      ]),
    .target(name: "ExampleAgents", dependencies: ["OpenStarryAgent"], path: "Examples/Agents", swiftSettings: strict),
    .executableTarget(
      name: "bench",
      dependencies: [
        "GuardianTestKit", "GuardianClient",
        "CLinux", "Linux", "Model", "OpenStarryAgent", "EventLoop", "HAL", "HALSimulated", "Agent", "AgentInProcess",
        "AgentWASM", "BenchmarkAgents", "Daemon", "Rules", "Orchestrator", "Crash", "Cgroup",
      ], path: "Benchmarks/Bench", swiftSettings: strict),
    .target(
      name: "BenchmarkAgents", dependencies: ["OpenStarryAgent"], path: "Benchmarks/Guests/workload",
      exclude: ["main.swift", "agent.json"], swiftSettings: strict),
    .executableTarget(name: "openstarryd", dependencies: ["Daemon", "ExampleAgents"], swiftSettings: strict),
    .target(
      name: "CommandLine",
      dependencies: [
        "Model", "Document", "Linux", "Wire", "Config", "Rules", "ControlClient", "AgentTrial",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    .executableTarget(name: "openstarry", dependencies: ["CommandLine", "AgentWASM"], swiftSettings: strict),
    .target(
      name: "KernelTestKit",
      dependencies: [
        "Model", "OpenStarryAgent", "Linux", "CLinux", "CGPIOD", "CV4L2", "CJPEG", "EventLoop", "HAL", "HALLinux",
        "Agent", "AgentInProcess", "Rules", "Config", "Orchestrator",
      ], path: "Tests/KernelTestKit", swiftSettings: strict),
    .executableTarget(
      name: "kernel-ring",
      dependencies: [
        "KernelTestKit", "GuardianTestKit", "GuardianClient", "Model", "OpenStarryAgent", "Linux", "CLinux", "HAL",
        "HALLinux", "Config", "Orchestrator",
      ], path: "Tests/KernelRing", swiftSettings: strict),
    .target(
      name: "GuardianTestKit",
      dependencies: [
        "TestKit", "Model", "Linux", "CLinux", "EventLoop", "HAL", "HALLinux", "GuardianClient", "Config",
        "Orchestrator",
      ], path: "Tests/GuardianTestKit", swiftSettings: strict),
    .executableTarget(
      name: "guardian-ward", dependencies: ["GuardianTestKit"], path: "Tests/GuardianWard", swiftSettings: strict),
    tests(
      "GuardianTests",
      [
        "TestKit",
        "Guardian", "GuardianClient", "GuardianTestKit", "guardian-ward", "openstarry-guardian", "Linux", "CLinux",
        "Wire",
      ]),
    .target(name: "ModuleKit", path: "Tests/ModuleKit", swiftSettings: strict),
    .target(name: "TestKit", dependencies: ["Linux"], path: "Tests/TestKit", swiftSettings: strict),
    tests("DocumentTests", ["TestKit", "Document", "Model"]),
    tests("CELTests", ["TestKit", "CEL", "Model"]),
    tests("RulesTests", ["Rules", "CEL", "Model"]),
    tests("AgentTests", ["TestKit", "Agent", "Model"]),
    tests("WatchdogTests", ["TestKit", "Watchdog", "Agent", "Model"]),
    tests("CgroupTests", ["Cgroup", "Linux", "TestKit"]),
    tests("AgentInProcessTests", ["AgentInProcess", "Agent", "Model", "OpenStarryAgent"]),
    tests("StoreTests", ["TestKit", "Store", "Model", "Linux"]),
    tests("ModelTests", ["TestKit", "Model", "OpenStarryAgent"]),
    tests("CrashTests", ["TestKit", "Crash", "Watchdog", "Agent", "EventLoop", "Linux", "CLinux", "Model"]),
    tests("LinuxTests", ["TestKit", "Linux"]),
    tests("EventLoopTests", ["EventLoop", "Linux", "CLinux", "Model"]),
    tests("ConfigTests", ["TestKit", "Config", "Document", "Linux", "Model"]),
    .target(
      name: "HALTestKit", dependencies: ["Model", "HAL", "HALSimulated"], path: "Tests/HALTestKit",
      swiftSettings: strict),
    tests("HALTests", ["TestKit", "Model", "Guardian", "HAL", "HALSimulated", "HALTestKit"]),
    tests("HALSimulatedTests", ["Model", "Linux", "Config", "HAL", "HALSimulated", "HALTestKit"]),
    tests("HALLinuxTests", ["TestKit", "HALLinux", "Model", "Guardian", "Linux", "EventLoop", "HAL", "CGPIOD"]),
    tests("WireTests", ["TestKit", "Wire", "Linux", "Document", "Model"]),
    tests(
      "ControlTests",
      [
        "TestKit",
        "Control", "ControlClient", "Wire", "Document", "Linux", "EventLoop", "HAL", "HALSimulated", "Agent", "Rules",
        "Model",
      ]),
    tests(
      "CommandLineTests",
      [
        "TestKit",
        "CommandLine", "AgentTrial", "ControlClient", "Linux", "Model", "Wire",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    tests(
      "OrchestratorTests",
      [
        "TestKit",
        "Orchestrator", "Agent", "AgentInProcess", "HAL", "HALSimulated", "HALTestKit", "Rules", "Store", "EventLoop",
        "Linux", "Model", "OpenStarryAgent", "Watchdog",
      ]),
    tests(
      "DaemonTests",
      [
        "TestKit", "Daemon", "Orchestrator", "Agent", "HAL", "HALSimulated", "AgentInProcess", "OpenStarryAgent",
        "EventLoop", "Linux", "Model",
      ]),
    tests("ExampleAgentTests", ["ExampleAgents", "OpenStarryAgent"]),
    // The executables are dependencies so that testing builds them.
    tests(
      "BlackBoxTests",
      [
        "TestKit", "openstarryd", "openstarry", "openstarry-guardian", "hostile-firmware", "guardian-ward",
        "GuardianTestKit", "Document", "Linux", "CLinux", "Model",
      ]),
    .executableTarget(
      name: "hostile-firmware", dependencies: ["Daemon", "OpenStarryAgent"], path: "Tests/HostileFirmware",
      swiftSettings: strict),
    // What modules are compiled in while they are tested.
    .executableTarget(
      name: "wasm-compiler", dependencies: ["AgentWASM", "Agent", "EventLoop", "Linux", "Model"],
      path: "Tests/WASMCompiler", swiftSettings: strict),
    tests(
      "AgentWASMTests",
      ["ModuleKit", "TestKit", "AgentWASM", "wasm-compiler", "Agent", "Document", "EventLoop", "Linux", "Model"]),
    // One source, three isolations: linked into the tests, started by them, and built as a module by Sources/SDK/build.
    .executableTarget(
      name: "thermostat", dependencies: ["OpenStarryAgent"], path: "Examples/wasm/thermostat", exclude: ["agent.json"],
      swiftSettings: strict),
    tests(
      "SDKTests",
      [
        "TestKit",
        "OpenStarryAgent", "thermostat", "AgentWASM", "wasm-compiler", "Agent", "CLinux", "Document", "EventLoop",
        "Linux", "Model",
      ]),
    tests("AgentTrialTests", ["AgentTrial", "AgentInProcess", "Agent", "HAL", "Model", "OpenStarryAgent"]),
    // make faults: seeded runs of the daemon's real parts, with faults.
    .target(name: "CFaults", path: "Tests/CFaults"),
    .target(
      name: "FaultKit",
      dependencies: [
        "Model", "Linux", "EventLoop", "Guardian", "CCrash", "Crash", "HAL", "HALSimulated", "Agent", "AgentWASM",
        "Rules", "Store", "Orchestrator", "ModuleKit",
      ], path: "Tests/FaultKit", swiftSettings: strict),
    .executableTarget(
      name: "fault-campaign", dependencies: ["FaultKit", "CFaults", "AgentWASM", "Linux", "Model"],
      path: "Tests/FaultCampaign", swiftSettings: strict),
    tests("FaultKitTests", ["FaultKit", "wasm-compiler", "TestKit", "Agent", "AgentWASM", "Linux", "Model"]),
  ],
  swiftLanguageModes: [.v6]
)
