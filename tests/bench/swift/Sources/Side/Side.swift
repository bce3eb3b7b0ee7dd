import Foundation

public let phone = "+13128059851"
public let code = "123456"
private let pieces = 2

/// What a program is started with.
public struct Given: Sendable {
    public let baseURL: String
    public let lines: Int
    public let folder: URL
}

/// One side of a comparison. `tests/bench/rust/src/lib.rs` says what it is told.
public protocol Side: Sendable {
    init(_ given: Given) throws
    func signIn() async throws
    func open() async throws
    /// How many lines, and how many pieces.
    func cart() async throws -> (lines: Int, pieces: Int)
    /// How many entries.
    func wishlist() async throws -> Int
}

extension Side {
    public static func run() async throws {
        let arguments = CommandLine.arguments
        let given = Given(
            baseURL: arguments[1],
            lines: Int(arguments[2])!,
            folder: URL(fileURLWithPath: arguments[3])
        )
        let side = try Self(given)
        if arguments.count > 4 {
            try await side.open()
            try await side.checkedCart(given)
            print("ok")
            exit(0)
        }
        while let line = readLine() {
            let words = line.split(separator: " ")
            let count = words.count > 1 ? Int(words[1])! : 0
            let took = try await ContinuousClock().measure {
                switch words[0] {
                case "sign-in": try await side.signIn()
                case "open": try await side.open()
                case "carts": for _ in 0..<count { try await side.checkedCart(given) }
                case "carts-at-once": try await atOnce(count) { try await side.checkedCart(given) }
                case "wishlists-at-once":
                    try await atOnce(count) { let entries = try await side.wishlist(); precondition(entries == 3) }
                case "settle": break
                case "end": exit(0)
                default: fatalError(line)
                }
            }
            let (seconds, attoseconds) = took.components
            print(words.count == 1 ? "ok" : String(seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
            fflush(nil)
        }
    }

    private func checkedCart(_ given: Given) async throws {
        let read = try await cart()
        precondition(read == (given.lines, given.lines * pieces))
    }
}

private func atOnce(_ count: Int, _ read: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<count { group.addTask { try await read() } }
        try await group.waitForAll()
    }
}
