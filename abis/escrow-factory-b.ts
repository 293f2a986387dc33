// Generated from contracts/revision-b/EscrowFactory.sol by contracts/compile.ts. Do not edit.
export const escrowFactoryBAbi = [
  {
    inputs: [{ internalType: "address", name: "escrow", type: "address" }],
    name: "EscrowExists",
    type: "error",
  },
  {
    anonymous: false,
    inputs: [
      { indexed: true, internalType: "address", name: "escrow", type: "address" },
      { indexed: true, internalType: "address", name: "payer", type: "address" },
      { indexed: true, internalType: "address", name: "payee", type: "address" },
      { indexed: false, internalType: "address", name: "arbiter", type: "address" },
      { indexed: false, internalType: "uint256", name: "amount", type: "uint256" },
      { indexed: false, internalType: "uint256", name: "releaseDelay", type: "uint256" },
      { indexed: false, internalType: "uint8", name: "approvalsRequired", type: "uint8" },
    ],
    name: "EscrowDeployed",
    type: "event",
  },
  {
    inputs: [
      { internalType: "address", name: "payee", type: "address" },
      { internalType: "uint256", name: "releaseDelay", type: "uint256" },
      { internalType: "uint8", name: "approvalsRequired", type: "uint8" },
      { internalType: "address", name: "arbiter", type: "address" },
    ],
    name: "createEscrow",
    outputs: [{ internalType: "address", name: "", type: "address" }],
    stateMutability: "payable",
    type: "function",
  },
  {
    inputs: [
      { internalType: "address", name: "payee", type: "address" },
      { internalType: "uint256", name: "releaseDelay", type: "uint256" },
      { internalType: "uint8", name: "approvalsRequired", type: "uint8" },
      { internalType: "address", name: "arbiter", type: "address" },
      { internalType: "bytes32", name: "salt", type: "bytes32" },
    ],
    name: "createEscrowDeterministic",
    outputs: [{ internalType: "address", name: "", type: "address" }],
    stateMutability: "payable",
    type: "function",
  },
  {
    inputs: [
      { internalType: "address", name: "payer", type: "address" },
      { internalType: "address", name: "payee", type: "address" },
      { internalType: "uint256", name: "releaseDelay", type: "uint256" },
      { internalType: "uint8", name: "approvalsRequired", type: "uint8" },
      { internalType: "address", name: "arbiter", type: "address" },
      { internalType: "bytes32", name: "salt", type: "bytes32" },
    ],
    name: "predictEscrow",
    outputs: [{ internalType: "address", name: "", type: "address" }],
    stateMutability: "view",
    type: "function",
  },
] as const;
