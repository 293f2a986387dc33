// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Escrow} from "./Escrow.sol";

/// @title EscrowFactory, revision A: the deployment event does not name the arbiter.
/// @notice The caller is the payer and sends the amount along. The escrow's constructor runs first,
/// so its `EscrowCreated` has a lower log index than the `EscrowDeployed` emitted here.
contract EscrowFactory {
    event EscrowDeployed(
        address indexed escrow,
        address indexed payer,
        address indexed payee,
        uint256 amount,
        uint256 releaseDelay,
        uint8 approvalsRequired
    );

    error EscrowExists(address escrow);

    /// @notice Deploys an escrow at the next address of this factory.
    /// @param releaseDelay Seconds from now until the amount may be released.
    /// @param arbiter The zero address for a deal without an arbiter.
    function createEscrow(
        address payee,
        uint256 releaseDelay,
        uint8 approvalsRequired,
        address arbiter
    ) external payable returns (address) {
        Escrow escrow = new Escrow{value: msg.value}(
            msg.sender, payee, releaseDelay, approvalsRequired, arbiter
        );
        emit EscrowDeployed(
            address(escrow), msg.sender, payee, msg.value, releaseDelay, approvalsRequired
        );
        return address(escrow);
    }

    /// @notice Deploys an escrow at the address that `predictEscrow` tells beforehand.
    function createEscrowDeterministic(
        address payee,
        uint256 releaseDelay,
        uint8 approvalsRequired,
        address arbiter,
        bytes32 salt
    ) external payable returns (address) {
        address predicted =
            predictEscrow(msg.sender, payee, releaseDelay, approvalsRequired, arbiter, salt);
        if (predicted.code.length != 0) revert EscrowExists(predicted);

        Escrow escrow = new Escrow{value: msg.value, salt: salt}(
            msg.sender, payee, releaseDelay, approvalsRequired, arbiter
        );
        emit EscrowDeployed(
            address(escrow), msg.sender, payee, msg.value, releaseDelay, approvalsRequired
        );
        return address(escrow);
    }

    /// @notice The address `createEscrowDeterministic` gives this payer for these terms (EIP-1014).
    function predictEscrow(
        address payer,
        address payee,
        uint256 releaseDelay,
        uint8 approvalsRequired,
        address arbiter,
        bytes32 salt
    ) public view returns (address) {
        bytes memory terms = abi.encode(payer, payee, releaseDelay, approvalsRequired, arbiter);
        bytes32 initCodeHash = keccak256(abi.encodePacked(type(Escrow).creationCode, terms));
        return address(
            uint160(
                uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, initCodeHash)))
            )
        );
    }
}
